import type { BlobKey } from '../../context/ids';
import type { OperationContext } from '../../context/operation-context';
import type {
  BlobListing,
  BlobRead,
  BlobSource,
  BlobStat,
  ByteRange,
  Driver,
  RestoreRequest,
  WriteOptions,
} from '../driver';
import { DriverError } from '../driver.errors';
import { StallClock } from '../stall-clock';
import type { DriverLayer } from './compose-layers';
import { listThrough, WrappedDriver } from './wrapped-driver';

export interface DeadlineOptions {
  /** For calls without a body, the opening of one, and each step of a listing. */
  readonly callMs: number;
  /** For writes: the longest time without a piece of the source taken or the end reached. The source's own time does not count. */
  readonly stallMs: number;
}

/**
 * Gives every call a deadline after which it rejects with `Unavailable`. Transfers have no total one, for a slow client may take
 * hours: a write must go on moving, and the bodies of reads are watched by the drivers themselves, which know whose turn it is.
 */
export function deadlineLayer(options: DeadlineOptions): DriverLayer {
  return (inner) => new TimedDriver(inner, options);
}

class TimedDriver extends WrappedDriver {
  constructor(
    inner: Driver,
    private readonly options: DeadlineOptions,
  ) {
    super(inner);
  }

  override async write(
    ctx: OperationContext,
    key: BlobKey,
    source: BlobSource,
    options: WriteOptions,
  ): Promise<BlobStat> {
    const limited = new LimitedCall(ctx);
    const clock = new StallClock(this.options.stallMs, () => {
      limited.expire(this.options.stallMs);
    });
    try {
      return await limited.settle(this.inner.write(limited.ctx, key, watched(source, clock), options));
    } finally {
      clock.close();
      limited.end();
    }
  }

  override async read(ctx: OperationContext, key: BlobKey, range?: ByteRange): Promise<BlobRead> {
    const limited = new LimitedCall(ctx);
    const timer = setTimeout(() => {
      limited.expire(this.options.callMs);
    }, this.options.callMs);
    try {
      const read = await limited.settle(this.inner.read(limited.ctx, key, range));
      // The signal of the context goes on to reach the body.
      if (read.body.closed) limited.end();
      else {
        read.body.once('close', () => {
          limited.end();
        });
      }
      return read;
    } catch (error) {
      limited.end();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  override stat(ctx: OperationContext, key: BlobKey): Promise<BlobStat> {
    return this.within(ctx, (limited) => this.inner.stat(limited, key));
  }

  override delete(ctx: OperationContext, key: BlobKey): Promise<void> {
    return this.within(ctx, (limited) => this.inner.delete(limited, key));
  }

  override restore(ctx: OperationContext, key: BlobKey, request: RestoreRequest): Promise<void> {
    return this.within(ctx, (limited) => this.inner.restore(limited, key, request));
  }

  override async *list(ctx: OperationContext): AsyncGenerator<BlobListing> {
    const limited = new LimitedCall(ctx);
    try {
      yield* listThrough(this.inner.list(limited.ctx), async (next) => {
        const timer = setTimeout(() => {
          limited.expire(this.options.callMs);
        }, this.options.callMs);
        try {
          return await limited.settle(next());
        } finally {
          clearTimeout(timer);
        }
      });
    } finally {
      limited.end();
    }
  }

  private async within<T>(ctx: OperationContext, call: (ctx: OperationContext) => Promise<T>): Promise<T> {
    const limited = new LimitedCall(ctx);
    const timer = setTimeout(() => {
      limited.expire(this.options.callMs);
    }, this.options.callMs);
    try {
      return await limited.settle(call(limited.ctx));
    } finally {
      clearTimeout(timer);
      limited.end();
    }
  }
}

/** A call on a context of its own, which ends with the caller's or at a deadline. */
class LimitedCall {
  readonly ctx: OperationContext;
  private readonly controller = new AbortController();
  private expiry: DriverError | undefined;

  constructor(private readonly outer: OperationContext) {
    this.ctx = { ...outer, signal: this.controller.signal };
    outer.signal.addEventListener('abort', this.onAbort, { once: true });
    if (outer.signal.aborted) this.onAbort();
  }

  expire(limitMs: number): void {
    this.expiry = new DriverError('Unavailable', `the backend did not answer within ${String(limitMs)} ms`);
    this.controller.abort(this.expiry);
  }

  /** Like `call`, with an abort of ours told as what it is. */
  async settle<T>(call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (error) {
      const isOurs = error instanceof DriverError && error.kind === 'Aborted' && !this.outer.signal.aborted;
      throw isOurs && this.expiry !== undefined ? this.expiry : error;
    }
  }

  end(): void {
    this.outer.signal.removeEventListener('abort', this.onAbort);
  }

  private readonly onAbort = (): void => {
    this.controller.abort(this.outer.signal.reason);
  };
}

/** The source, with the clock held while it is asked. */
function watched(source: BlobSource, clock: StallClock): BlobSource {
  return {
    [Symbol.asyncIterator]: () => {
      const iterator = source[Symbol.asyncIterator]();
      return {
        next: async () => {
          clock.hold();
          try {
            return await iterator.next();
          } finally {
            clock.touch();
          }
        },
        return: async () => {
          await iterator.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}
