import { Readable } from 'node:stream';
import { abortedError } from './abort-scope';

/** So much has to come between two breaks for the second to count as a first one: else a backend could be asked for ever. */
const PROGRESS_BYTES = 64 * 1024;

/** Opens the rest behind `receivedBytes`, or rejects with what the reader is to see. `attempt` counts breaks without much between them. */
export type Resume = (receivedBytes: number, error: Error, attempt: number) => Promise<Readable>;

/** Looks at the bytes of a body on their way. */
export interface BodyCheck {
  passed(chunk: Uint8Array): void;
  /**
   * Asked when all bytes have passed and the last piece was not handed on yet. Undefined: it may be. Else resolves when it may, or
   * rejects with what the reader is to see.
   */
  verdict(): Promise<void> | undefined;
}

/** A body that goes on where it broke. Its bytes are those of one source after the other, never twice and never out of order. */
export class ResumingBody extends Readable {
  private receivedBytes = 0;
  private fruitlessBreaks = 0;
  private brokeAtBytes = 0;
  private source: Readable;
  private isJudged = false;

  constructor(
    source: Readable,
    private readonly sizeBytes: number,
    private readonly signal: AbortSignal,
    private readonly resumeFrom: Resume,
    private readonly check?: BodyCheck,
  ) {
    super({ highWaterMark: source.readableHighWaterMark });
    this.source = source;
    // An abort may come before the caller listens; unheard it would end the process.
    this.on('error', () => undefined);
    // The source may be read to its end while bytes of it still wait here.
    signal.addEventListener('abort', this.onAbort, { once: true });
    this.follow(source);
  }

  override _read(): void {
    this.source.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.signal.removeEventListener('abort', this.onAbort);
    this.source.destroy();
    callback(error);
  }

  private follow(source: Readable): void {
    // It may have broken while it was handed over; then nothing more is heard of it.
    if (source.errored !== null) {
      void this.goOn(source.errored);
      return;
    }
    source.on('data', (chunk: Buffer) => {
      this.receivedBytes += chunk.length;
      this.check?.passed(chunk);
      const verdict = this.receivedBytes === this.sizeBytes ? this.check?.verdict() : undefined;
      if (verdict !== undefined) this.endAfter(verdict, chunk);
      else if (!this.push(chunk)) source.pause();
    });
    source.once('end', () => {
      if (!this.isJudged) this.push(null);
    });
    source.once('error', (error) => {
      void this.goOn(error);
    });
    // Flowing only once somebody reads.
    source.pause();
  }

  private endAfter(verdict: Promise<void>, lastChunk: Buffer): void {
    this.isJudged = true;
    verdict.then(
      () => {
        if (this.isGone()) return;
        this.push(lastChunk);
        this.push(null);
      },
      (error: unknown) => {
        this.destroy(error instanceof Error ? error : new Error('the body could not be checked', { cause: error }));
      },
    );
  }

  private async goOn(error: Error): Promise<void> {
    if (this.destroyed) return;
    if (this.receivedBytes === this.sizeBytes) {
      this.destroy(error);
      return;
    }
    try {
      const isProgress = this.receivedBytes - this.brokeAtBytes >= PROGRESS_BYTES;
      this.fruitlessBreaks = isProgress ? 1 : this.fruitlessBreaks + 1;
      this.brokeAtBytes = this.receivedBytes;
      const source = await this.resumeFrom(this.receivedBytes, error, this.fruitlessBreaks);
      this.source = source;
      if (this.isGone()) {
        source.destroy();
        return;
      }
      this.follow(source);
      source.resume();
    } catch (reason) {
      this.destroy(reason instanceof Error ? reason : error);
    }
  }

  private isGone(): boolean {
    return this.destroyed;
  }

  private readonly onAbort = (): void => {
    this.destroy(abortedError(this.signal));
  };
}
