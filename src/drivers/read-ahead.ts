import type { Readable } from 'node:stream';
import { DriverError } from './driver.errors';

/**
 * A part of a blob that is read ahead of whoever takes its bytes, as far as `maxQueuedBytes` lets it; then its source waits.
 *
 * Several sources may be followed: each begins where the part stood when it was added, and the first that brings anything wins.
 */
export class ReadAhead {
  /** The part can't be read on. */
  failure: Error | undefined;
  private readonly sources = new Set<Readable>();
  private readonly chunks: Buffer[] = [];
  private queuedBytes = 0;
  private receivedBytes = 0;

  constructor(
    readonly lengthBytes: number,
    private readonly maxQueuedBytes: number,
    /** There are bytes, or no more to come, or a failure. */
    private readonly onChange: () => void,
  ) {}

  get position(): number {
    return this.receivedBytes;
  }

  /** Everything was received and taken. */
  get isDrained(): boolean {
    return this.receivedBytes === this.lengthBytes && this.chunks.length === 0;
  }

  /** What is beyond the part is left unread: then the source is destroyed. */
  follow(source: Readable): void {
    // It may have broken while it was handed over; then nothing more is heard of it.
    if (source.errored !== null) {
      this.fail(undefined, source.errored);
      return;
    }
    this.sources.add(source);
    source.on('data', (chunk: Buffer) => {
      this.receive(source, chunk);
    });
    source.once('end', () => {
      if (this.receivedBytes === this.lengthBytes) this.sources.delete(source);
      else this.fail(source, new DriverError('Unavailable', 'the backend sent fewer bytes than were asked for'));
    });
    source.once('error', (error) => {
      this.fail(source, error);
    });
  }

  /** A source that is to be followed can't be had. Counts only where no other is left. */
  fail(source: Readable | undefined, error: Error): void {
    if (source !== undefined) this.sources.delete(source);
    if (this.sources.size > 0 || this.failure !== undefined || this.receivedBytes === this.lengthBytes) return;
    this.failure = error;
    this.onChange();
  }

  /** At most `maxBytes` of what has come; undefined: nothing yet, or no more. */
  take(maxBytes = Number.POSITIVE_INFINITY): Buffer | undefined {
    const [chunk] = this.chunks;
    if (chunk === undefined) return undefined;
    const taken = chunk.length <= maxBytes ? chunk : chunk.subarray(0, maxBytes);
    if (taken === chunk) this.chunks.shift();
    else this.chunks[0] = chunk.subarray(maxBytes);
    this.queuedBytes -= taken.length;
    if (this.queuedBytes < this.maxQueuedBytes) for (const source of this.sources) source.resume();
    return taken;
  }

  destroy(): void {
    for (const source of this.sources) source.destroy();
    this.sources.clear();
    this.chunks.length = 0;
  }

  private receive(source: Readable, chunk: Buffer): void {
    if (!this.sources.has(source)) return;
    for (const other of this.sources) {
      if (other === source) continue;
      this.sources.delete(other);
      other.destroy();
    }
    const leftBytes = this.lengthBytes - this.receivedBytes;
    const wanted = chunk.length <= leftBytes ? chunk : chunk.subarray(0, leftBytes);
    if (wanted.length > 0) this.chunks.push(wanted);
    this.queuedBytes += wanted.length;
    this.receivedBytes += wanted.length;
    if (chunk.length > leftBytes) {
      this.sources.delete(source);
      source.destroy();
    } else if (this.queuedBytes >= this.maxQueuedBytes && this.receivedBytes < this.lengthBytes) source.pause();
    this.onChange();
  }
}
