import { abortedError } from './abort-scope';
import type { DriverError } from './driver.errors';

export interface BackoffOptions {
  /** Tries in all, the first among them. */
  readonly maxAttempts: number;
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
}

export const DEFAULT_BACKOFF: BackoffOptions = { maxAttempts: 4, firstDelayMs: 100, maxDelayMs: 5_000 };

/**
 * Milliseconds to wait before try number `attempt` + 1; undefined: give up, because the error is not one to try again, the
 * tries are used up, or the backend asked for more than `maxDelayMs`, which a client waits for better than a held request.
 *
 * Exponential with full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), never less
 * than the backend asked for.
 */
export function delayBeforeRetry(error: DriverError, attempt: number, options: BackoffOptions): number | undefined {
  if (!error.isRetryable || attempt >= options.maxAttempts) return undefined;
  const askedMs = (error.retryAfterSeconds ?? 0) * 1000;
  if (askedMs > options.maxDelayMs) return undefined;
  const ceilingMs = Math.min(options.maxDelayMs, options.firstDelayMs * 2 ** (attempt - 1));
  return askedMs + Math.random() * ceilingMs;
}

/** Resolves after `delayMs`, or rejects with `Aborted` at once when the signal aborts. */
export function sleep(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(abortedError(signal));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, delayMs);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}
