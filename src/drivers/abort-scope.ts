import { DriverError } from './driver.errors';

/**
 * Makes awaits of one driver call end as soon as its signal aborts. One listener serves the whole call, so that the awaits
 * of a body of any length leave nothing behind. Guards one await at a time. Close it when the call ends.
 */
export class AbortScope {
  private rejectCurrent: ((error: DriverError) => void) | undefined;

  constructor(private readonly signal: AbortSignal) {
    signal.addEventListener('abort', this.onAbort, { once: true });
  }

  /** Throws `Aborted` when the signal has aborted. */
  check(): void {
    throwIfAborted(this.signal);
  }

  /** Settles like `promise`, or rejects with `Aborted` at once when the signal aborts; the promise's own end is then ignored. */
  guard<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.rejectCurrent = reject;
      promise.then(resolve, reject);
      if (this.signal.aborted) reject(abortedError(this.signal));
    });
  }

  close(): void {
    this.rejectCurrent = undefined;
    this.signal.removeEventListener('abort', this.onAbort);
  }

  private readonly onAbort = (): void => {
    this.rejectCurrent?.(abortedError(this.signal));
  };
}

/** Throws `Aborted` when `signal` has aborted. */
export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw abortedError(signal);
}

/** The error of a call whose signal aborted. */
export function abortedError(signal: AbortSignal): DriverError {
  return new DriverError('Aborted', 'the operation was aborted', { cause: signal.reason });
}
