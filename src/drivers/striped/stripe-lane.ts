import { DriverError } from '../driver.errors';
import type { TransferBuffer } from '../transfer-buffers';

/** Hands the chunks of one part to the write of its member: one is taken while the next is filled. */
export class StripeLane implements AsyncIterable<Uint8Array> {
  private next: TransferBuffer | undefined;
  private given: TransferBuffer | undefined;
  private hasEnded = false;
  private failure: Error | undefined;
  private wake: (() => void) | undefined;
  private taken: (() => void) | undefined;

  /** Resolves when there is room for another chunk. The lane releases the chunk. */
  async put(chunk: TransferBuffer): Promise<void> {
    if (this.failure !== undefined) {
      chunk.release();
      return;
    }
    this.next = chunk;
    this.wake?.();
    await new Promise<void>((resolve) => {
      this.taken = resolve;
    });
  }

  end(): void {
    this.hasEnded = true;
    this.wake?.();
  }

  /** Gives all memory back; whoever reads the lane on sees `error`. */
  fail(error: Error): void {
    this.failure ??= error;
    this.next?.release();
    this.next = undefined;
    this.releaseGiven();
    this.wake?.();
    this.taken?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        this.releaseGiven();
        if (this.failure !== undefined) throw this.failure;
        if (this.next !== undefined) {
          this.given = this.next;
          this.next = undefined;
          this.taken?.();
          yield this.given.bytes;
          continue;
        }
        if (this.hasEnded) return;
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
      }
    } finally {
      this.fail(new DriverError('Aborted', 'the part is not read any more'));
    }
  }

  private releaseGiven(): void {
    this.given?.release();
    this.given = undefined;
  }
}
