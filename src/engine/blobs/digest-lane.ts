import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { DigestAlgorithm } from './digests';
import type { DigestReply, DigestRequest } from './digest-lane.messages';

/** A piece of memory that an upload filled and a thread reads. */
export interface SharedSlot {
  readonly index: number;
  readonly memory: SharedArrayBuffer;
  release(): void;
}

interface Waiting {
  readonly resolve: (digests: ReadonlyMap<DigestAlgorithm, Buffer>) => void;
  readonly reject: (error: Error) => void;
}

/**
 * One thread that digests the bytes of any number of uploads, each stream in its own order, all in the order in which their
 * slots were filled. Started when first used; after a crash the streams of that time fail and the next one starts it anew.
 */
export class DigestLane {
  private worker: Worker | undefined;
  private readonly sentSlots = new Set<number>();
  /** Slots that the thread has not given back, by index. One fill of a slot ends before the next begins. */
  private readonly heldSlots = new Map<number, SharedSlot>();
  private readonly finishing = new Map<number, Waiting>();
  /** Streams whose bytes went to a thread that has died. */
  private readonly openStreams = new Set<number>();
  private readonly lostStreams = new Map<number, Error>();

  open(stream: number, algorithms: readonly DigestAlgorithm[]): void {
    this.openStreams.add(stream);
    this.send({ kind: 'open', stream, algorithms });
  }

  /** The slot's `release` is called once, when the thread has read it or died. */
  update(stream: number, slot: SharedSlot, lengthBytes: number): void {
    if (this.lostStreams.has(stream)) {
      slot.release();
      return;
    }
    if (!this.sentSlots.has(slot.index)) {
      this.send({ kind: 'slot', slot: slot.index, memory: slot.memory });
      this.sentSlots.add(slot.index);
    }
    this.heldSlots.set(slot.index, slot);
    this.send({ kind: 'update', stream, slot: slot.index, lengthBytes });
  }

  /** Ends the stream. Rejects when its thread died. */
  finish(stream: number): Promise<ReadonlyMap<DigestAlgorithm, Buffer>> {
    const lost = this.lostStreams.get(stream);
    if (lost !== undefined) {
      this.lostStreams.delete(stream);
      return Promise.reject(lost);
    }
    return new Promise((resolve, reject) => {
      this.finishing.set(stream, { resolve, reject });
      this.send({ kind: 'finish', stream });
    });
  }

  /** Ends the stream without a digest. */
  drop(stream: number): void {
    if (this.lostStreams.delete(stream) || !this.openStreams.delete(stream)) return;
    this.send({ kind: 'drop', stream });
  }

  async close(): Promise<void> {
    const worker = this.worker;
    this.lose(new Error('the digest threads were stopped'));
    await worker?.terminate();
  }

  private send(request: DigestRequest): void {
    this.worker ??= this.start();
    this.worker.postMessage(request);
  }

  private start(): Worker {
    const worker = new Worker(workerPath(), { name: 'digest' });
    worker.unref();
    worker.on('message', (reply: DigestReply) => {
      if (this.worker === worker) this.receive(reply);
    });
    const died = (cause: unknown): void => {
      if (this.worker === worker) this.lose(new Error('a digest thread died', { cause }));
    };
    worker.on('error', died);
    worker.on('exit', died);
    return worker;
  }

  private receive(reply: DigestReply): void {
    if (reply.kind === 'updated') {
      const slot = this.heldSlots.get(reply.slot);
      this.heldSlots.delete(reply.slot);
      slot?.release();
      return;
    }
    const waiting = this.finishing.get(reply.stream);
    this.finishing.delete(reply.stream);
    this.openStreams.delete(reply.stream);
    waiting?.resolve(new Map(reply.digests.map(([name, bytes]) => [name, Buffer.from(bytes)])));
  }

  private lose(error: Error): void {
    this.worker = undefined;
    this.sentSlots.clear();
    for (const stream of this.openStreams) {
      const waiting = this.finishing.get(stream);
      if (waiting === undefined) this.lostStreams.set(stream, error);
      else waiting.reject(error);
    }
    this.openStreams.clear();
    this.finishing.clear();
    const held = [...this.heldSlots.values()];
    this.heldSlots.clear();
    for (const slot of held) slot.release();
  }
}

/** Threads run compiled code only; when this file runs from its source, as under a test runner, the build has the other one. */
function workerPath(): string {
  const beside = join(__dirname, 'digest.worker.js');
  return existsSync(beside) ? beside : join(__dirname, '../../../dist/src/engine/blobs/digest.worker.js');
}
