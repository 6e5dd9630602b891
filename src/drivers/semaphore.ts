import { abortedError } from './abort-scope';
import { DriverError } from './driver.errors';

/** Counted permits with a bounded, first-come queue. */
export class Semaphore {
  private readonly waiting = new Set<() => void>();
  private takenPermits = 0;

  /** `maxWaiting` undefined: any number may wait. */
  constructor(
    private readonly permits: number,
    private readonly maxWaiting?: number,
  ) {}

  get taken(): number {
    return this.takenPermits;
  }

  get waitingCount(): number {
    return this.waiting.size;
  }

  /** True when a permit was free, which then is the caller's. */
  tryTake(): boolean {
    if (this.takenPermits >= this.permits) return false;
    this.takenPermits += 1;
    return true;
  }

  /** Resolves with a permit. Rejects with `Aborted`, or with `RateLimited` when too many wait already. */
  take(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(abortedError(signal));
    if (this.tryTake()) return Promise.resolve();
    if (this.maxWaiting !== undefined && this.waiting.size >= this.maxWaiting) {
      return Promise.reject(
        new DriverError('RateLimited', 'too many calls wait for the backend', {
          retryAfterSeconds: 1,
          isRetryable: false,
        }),
      );
    }
    return new Promise((resolve, reject) => {
      const admit = (): void => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      const onAbort = (): void => {
        this.waiting.delete(admit);
        reject(abortedError(signal));
      };
      this.waiting.add(admit);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Hands the permit to who waits longest. */
  give(): void {
    for (const admit of this.waiting) {
      this.waiting.delete(admit);
      admit();
      return;
    }
    this.takenPermits -= 1;
  }
}
