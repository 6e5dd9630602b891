import type { BlobSource } from '../../drivers/driver';
import { SlotQueue } from './blob-pump-queue';
import { SlotPool } from './blob-pump-slots';
import type { Slot, SlotUser } from './blob-pump-slots';
import { DigestLane } from './digest-lane';
import { createDigest } from './digests';
import type { Digest, DigestAlgorithm } from './digests';

export interface BlobPumpOptions {
  /** Memory for the bodies of all uploads of the process together, in bytes. */
  readonly bufferBytes: number;
  /** Bodies up to this length are digested on the calling thread, without the buffers. */
  readonly inlineDigestBytes?: number;
  /** For tests; at least two fit in `bufferBytes`. */
  readonly slotBytes?: number;
}

export interface PumpOptions {
  /** Length of the source in bytes where it is known. */
  readonly sizeBytes: number | undefined;
}

export interface Pumped<T> {
  readonly written: T;
  /** What came out of the source. */
  readonly sizeBytes: number;
  /** One for each algorithm asked for, as {@link Digest.digest} gives it. */
  readonly digests: ReadonlyMap<DigestAlgorithm, Buffer>;
}

/** Large enough that messages between threads are few; small enough that the memory of a process makes many of them. */
const SLOT_BYTES = 512 * 1024;
/** MD5, at 0.75 GB/s, holds the event loop for a third of a millisecond with so many: not worth the way to a thread. */
const INLINE_DIGEST_BYTES = 256 * 1024;

/**
 * Brings the body of an upload to a driver and through its digests at the same time.
 *
 * The socket's chunks are copied once, into shared memory, from which the driver writes and the digest threads read: MD5 on one
 * thread, everything else on another. The memory has a fixed size for the whole process; uploads that find none wait, and
 * their sockets with them. {@link initDigests} must have finished.
 */
export class BlobPump {
  private readonly slots: SlotPool;
  private readonly md5Lane = new DigestLane();
  private readonly checksumLane = new DigestLane();
  private readonly inlineDigestBytes: number;
  private lastStream = 0;

  constructor(options: BlobPumpOptions) {
    const { bufferBytes, slotBytes = SLOT_BYTES, inlineDigestBytes = INLINE_DIGEST_BYTES } = options;
    this.slots = new SlotPool(slotBytes, Math.max(2, Math.floor(bufferBytes / slotBytes)));
    this.inlineDigestBytes = inlineDigestBytes;
  }

  /** Slots that no upload holds. */
  get freeSlots(): number {
    return this.slots.freeSlots;
  }

  /**
   * Gives `write` the bytes of `source`, in pieces that are valid until the next one is asked for, and resolves when it has
   * resolved and the digests are done.
   *
   * Rejects with the error of `write`; an error of the source reaches `write` through its source. In either case the
   * source is told by `return()`, and all memory comes back. An abort is for the source and for `write` to notice.
   */
  async pump<T>(
    source: BlobSource,
    algorithms: ReadonlySet<DigestAlgorithm>,
    write: (chunks: BlobSource) => Promise<T>,
    options: PumpOptions,
  ): Promise<Pumped<T>> {
    if (options.sizeBytes !== undefined && options.sizeBytes <= this.inlineDigestBytes) {
      return pumpInline(source, algorithms, write);
    }
    this.lastStream += 1;
    return new PumpedUpload(this.slots, this.lanesFor(algorithms), this.lastStream).run(source, write);
  }

  /** Stops the threads. Uploads in flight fail. */
  async close(): Promise<void> {
    await Promise.all([this.md5Lane.close(), this.checksumLane.close()]);
  }

  private lanesFor(algorithms: ReadonlySet<DigestAlgorithm>): ReadonlyMap<DigestLane, DigestAlgorithm[]> {
    const lanes = new Map<DigestLane, DigestAlgorithm[]>();
    for (const algorithm of algorithms) {
      const lane = algorithm === 'md5' ? this.md5Lane : this.checksumLane;
      lanes.set(lane, [...(lanes.get(lane) ?? []), algorithm]);
    }
    return lanes;
  }
}

/** For bodies that are digested in less time than a message to a thread takes. */
async function pumpInline<T>(
  source: BlobSource,
  algorithms: ReadonlySet<DigestAlgorithm>,
  write: (chunks: BlobSource) => Promise<T>,
): Promise<Pumped<T>> {
  const digests = new Map<DigestAlgorithm, Digest>();
  for (const algorithm of algorithms) digests.set(algorithm, createDigest(algorithm));
  let sizeBytes = 0;
  const passing = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      for (const digest of digests.values()) digest.update(chunk);
      sizeBytes += chunk.byteLength;
      yield chunk;
    }
  };
  const written = await write(passing());
  const results = new Map<DigestAlgorithm, Buffer>();
  for (const [algorithm, digest] of digests) results.set(algorithm, digest.digest());
  return { written, sizeBytes, digests: results };
}

type LaneResult = ReadonlyMap<DigestAlgorithm, Buffer>;

/** One upload on its way: a feeder that fills slots, and a driver that pulls them, each at its own pace. */
class PumpedUpload implements SlotUser {
  heldSlots = 0;
  private readonly queue = new SlotQueue();
  private current: Slot | undefined;
  private sizeBytes = 0;
  private isStopped = false;
  private results: Promise<PromiseSettledResult<LaneResult>[]> | undefined;

  constructor(
    private readonly slots: SlotPool,
    private readonly lanes: ReadonlyMap<DigestLane, readonly DigestAlgorithm[]>,
    private readonly stream: number,
  ) {}

  async run<T>(source: BlobSource, write: (chunks: BlobSource) => Promise<T>): Promise<Pumped<T>> {
    const iterator = source[Symbol.asyncIterator]();
    this.slots.join();
    for (const [lane, algorithms] of this.lanes) lane.open(this.stream, algorithms);
    void this.feed(iterator);
    let written: T;
    try {
      written = await write(this.queue);
      if (!this.queue.isConsumed) throw new Error('the write ended before its source did');
    } catch (error) {
      this.stop(iterator);
      throw error;
    }
    this.slots.leave(this);
    const digests = new Map<DigestAlgorithm, Buffer>();
    for (const result of (await this.results) ?? []) {
      if (result.status === 'rejected') throw asError(result.reason);
      for (const [algorithm, digest] of result.value) digests.set(algorithm, digest);
    }
    return { written, sizeBytes: this.sizeBytes, digests };
  }

  flush(): void {
    const slot = this.current;
    if (slot === undefined) return;
    this.current = undefined;
    this.slots.resume(this);
    // Held by each lane and the driver, in place of the feeder.
    slot.hold(this.lanes.size);
    for (const lane of this.lanes.keys()) lane.update(this.stream, slot, slot.filledBytes);
    this.queue.push(slot);
  }

  /** Never rejects: its errors reach the driver, and through it the caller. */
  private async feed(iterator: AsyncIterator<Uint8Array>): Promise<void> {
    try {
      for (;;) {
        const step = await iterator.next();
        if (this.hasStopped()) return;
        if (step.done === true) break;
        for (let from = 0; from < step.value.length;) {
          const taken = this.slotToFill();
          const slot = taken instanceof Promise ? await taken : taken;
          if (slot === undefined || this.hasStopped()) return;
          from += slot.fill(step.value, from);
          if (slot.isFull) this.flush();
        }
        this.sizeBytes += step.value.length;
        if (this.current !== undefined) this.slots.pause(this);
      }
      this.flush();
      // Asked for now, so that the threads finish while the driver still syncs.
      this.results = Promise.allSettled([...this.lanes.keys()].map((lane) => lane.finish(this.stream)));
      this.queue.finish();
    } catch (error) {
      this.queue.fail(error);
    }
  }

  private slotToFill(): Slot | Promise<Slot | undefined> {
    if (this.current !== undefined) {
      this.slots.resume(this);
      return this.current;
    }
    const taken = this.slots.take(this);
    if (taken instanceof Promise) return taken.then((slot) => this.adopt(slot));
    this.current = taken;
    return taken;
  }

  private adopt(slot: Slot | undefined): Slot | undefined {
    if (this.isStopped) slot?.release();
    else this.current = slot;
    return this.current;
  }

  private stop(iterator: AsyncIterator<Uint8Array>): void {
    this.isStopped = true;
    this.queue.discard();
    this.current?.release();
    this.current = undefined;
    if (this.results === undefined) for (const lane of this.lanes.keys()) lane.drop(this.stream);
    this.slots.leave(this);
    const ignore = (): void => undefined;
    iterator.return?.().then(ignore, ignore);
  }

  private hasStopped(): boolean {
    return this.isStopped;
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('a digest failed', { cause: reason });
}
