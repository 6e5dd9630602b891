import { Readable } from 'node:stream';
import { abortedError } from './abort-scope';

/** A body that is put together from several sources. Destroyed with `Aborted` when `signal` aborts. */
export abstract class OrderedBody extends Readable {
  private isWanted = false;

  constructor(private readonly signal: AbortSignal) {
    super({ highWaterMark: 256 * 1024 });
    // An abort may come before the caller listens; unheard it would end the process.
    this.on('error', () => undefined);
    signal.addEventListener('abort', this.onAbort, { once: true });
    if (signal.aborted) this.onAbort();
  }

  /** The next bytes; undefined: none yet, {@link deliver} is called when there are some; null: the end. Throws what ends the body. */
  protected abstract next(): Buffer | undefined | null;

  /** Frees the sources. */
  protected abstract release(): void;

  /** There may be more to hand on. */
  protected deliver(): void {
    try {
      while (this.isWanted && !this.destroyed) {
        const bytes = this.next();
        if (bytes === undefined) return;
        this.isWanted = this.push(bytes) && bytes !== null;
      }
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error('a source failed', { cause: error }));
    }
  }

  override _read(): void {
    this.isWanted = true;
    this.deliver();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.signal.removeEventListener('abort', this.onAbort);
    this.release();
    callback(error);
  }

  private readonly onAbort = (): void => {
    this.destroy(abortedError(this.signal));
  };
}
