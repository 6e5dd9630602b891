import { parentPort } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { createDigest, initDigests } from './digests';
import type { Digest, DigestAlgorithm } from './digests';
import type { DigestReply, DigestRequest } from './digest-lane.messages';

/** The thread of a digest lane: takes messages in order, each slot from the memory that it shares with the uploads. */
class LaneThread {
  private readonly slots: Uint8Array[] = [];
  private readonly streams = new Map<number, ReadonlyMap<DigestAlgorithm, Digest>>();

  constructor(private readonly port: MessagePort) {}

  handle(request: DigestRequest): void {
    switch (request.kind) {
      case 'slot':
        this.slots[request.slot] = new Uint8Array(request.memory);
        return;
      case 'open':
        this.streams.set(request.stream, new Map(request.algorithms.map((name) => [name, createDigest(name)])));
        return;
      case 'update':
        this.update(request.stream, request.slot, request.lengthBytes);
        return;
      case 'finish':
        this.finish(request.stream);
        return;
      case 'drop':
        this.streams.delete(request.stream);
        return;
    }
  }

  private update(stream: number, slot: number, lengthBytes: number): void {
    const digests = this.streams.get(stream);
    const bytes = this.slots[slot]?.subarray(0, lengthBytes);
    if (digests !== undefined && bytes !== undefined) for (const digest of digests.values()) digest.update(bytes);
    this.reply({ kind: 'updated', slot });
  }

  private finish(stream: number): void {
    const digests = [...(this.streams.get(stream) ?? [])].map(([name, digest]) => [name, digest.digest()] as const);
    this.streams.delete(stream);
    this.reply({ kind: 'finished', stream, digests });
  }

  private reply(reply: DigestReply): void {
    this.port.postMessage(reply);
  }
}

async function serve(port: MessagePort): Promise<void> {
  await initDigests();
  const lane = new LaneThread(port);
  port.on('message', (request: DigestRequest) => {
    lane.handle(request);
  });
}

// An error here ends the thread, which the lane reports to its uploads.
if (parentPort !== null) void serve(parentPort);
