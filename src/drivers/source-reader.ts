import type { AbortScope } from './abort-scope';
import type { BlobSource } from './driver';
import { DriverError } from './driver.errors';

/**
 * Pulls a source in pieces of the caller's size, with its length checked. For drivers that need a known number of bytes at a
 * time; `consumeSource` is for those that take chunks as they come.
 *
 * Rejects with the source's own error, which is also kept in {@link failure}, with `Aborted`, or with `Corrupted` when the length is not
 * `sizeBytes`.
 */
export class SourceReader {
  /** Bytes given out so far. */
  position = 0;
  /** What the source threw, or why its length was refused. */
  failure: { readonly error: unknown } | undefined;

  private readonly iterator: AsyncIterator<Uint8Array>;
  private rest: Uint8Array = new Uint8Array(0);
  private pulledBytes = 0;
  private isEnded = false;

  constructor(
    source: BlobSource,
    private readonly sizeBytes: number | undefined,
    private readonly scope: AbortScope,
  ) {
    this.iterator = source[Symbol.asyncIterator]();
  }

  /** Fills `target` from its beginning and resolves to the bytes copied: fewer only at the end of the source. */
  async fill(target: Buffer): Promise<number> {
    let filled = 0;
    while (filled < target.length && (await this.pull())) {
      const piece = this.rest.subarray(0, target.length - filled);
      // Not `set` or `copy`: from shared memory they go byte by byte where source and target are aligned differently.
      target.fill(piece, filled, filled + piece.length);
      filled += piece.length;
      this.advance(piece.length);
    }
    return filled;
  }

  /** Copies of the next `lengthBytes` bytes. With `isLast`, the last of them is held back until the source has ended. */
  async *stream(lengthBytes: number, isLast: boolean): AsyncGenerator<Buffer> {
    let leftBytes = lengthBytes;
    while (leftBytes > 0 && (await this.pull())) {
      const given = this.rest.subarray(0, leftBytes);
      const piece = Buffer.allocUnsafe(given.length).fill(given);
      leftBytes -= piece.length;
      this.advance(piece.length);
      if (leftBytes === 0 && isLast) await this.expectEnd();
      yield piece;
    }
    if (leftBytes > 0) throw this.refuse(this.wrongLength());
  }

  /** Resolves when the source ends here, and at the announced length. */
  async expectEnd(): Promise<void> {
    if ((await this.pull()) || (this.sizeBytes !== undefined && this.pulledBytes !== this.sizeBytes))
      throw this.refuse(this.wrongLength());
  }

  /** Tells a source that is not read to its end. Not awaited: it may be in a step that never ends. */
  dismiss(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    const ignore = (): void => undefined;
    this.iterator.return?.().then(ignore, ignore);
  }

  private advance(bytes: number): void {
    this.rest = this.rest.subarray(bytes);
    this.position += bytes;
  }

  /** False at the end of the source. */
  private async pull(): Promise<boolean> {
    while (this.rest.length === 0) {
      if (this.isEnded) return false;
      const step = await this.next();
      if (step.done === true) {
        this.isEnded = true;
        return false;
      }
      this.rest = step.value;
      this.pulledBytes += step.value.byteLength;
      if (this.sizeBytes !== undefined && this.pulledBytes > this.sizeBytes) throw this.refuse(this.wrongLength());
    }
    return true;
  }

  private async next(): Promise<IteratorResult<Uint8Array, unknown>> {
    try {
      return await this.scope.guard(this.iterator.next());
    } catch (error) {
      throw this.refuse(error);
    }
  }

  private refuse(error: unknown): unknown {
    this.failure ??= { error };
    return error;
  }

  private wrongLength(): DriverError {
    return new DriverError('Corrupted', `the source is not of the ${String(this.sizeBytes)} bytes that were announced`);
  }
}
