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
import { Semaphore } from '../semaphore';
import type { DriverLayer } from './compose-layers';
import { listThrough, WrappedDriver } from './wrapped-driver';

export interface ConcurrencyOptions {
  /** Bodies that are read at once. */
  readonly maxReads: number;
  readonly maxWrites: number;
  /** Other calls at once. */
  readonly maxCalls: number;
  /** Calls of each of the three classes that may wait; more reject with `RateLimited`. */
  readonly maxWaiting: number;
}

export type CallClass = 'read' | 'write' | 'call';

export interface ConcurrencyTelemetry {
  watchConcurrency(driver: string, callClass: CallClass, active: () => number, waiting: () => number): void;
}

/**
 * Bounds how much is asked of a backend at once, so that a slow one makes callers wait and not the process run out of memory
 * and sockets. The three classes wait apart: slow readers don't hold up writes, nor either of them deletes.
 */
export function concurrencyLayer(options: ConcurrencyOptions, telemetry?: ConcurrencyTelemetry): DriverLayer {
  return (inner) => new ConcurrentDriver(inner, options, telemetry);
}

class ConcurrentDriver extends WrappedDriver {
  private readonly reads: Semaphore;
  private readonly writes: Semaphore;
  private readonly calls: Semaphore;

  constructor(inner: Driver, options: ConcurrencyOptions, telemetry: ConcurrencyTelemetry | undefined) {
    super(inner);
    const semaphore = (callClass: CallClass, permits: number): Semaphore => {
      const made = new Semaphore(permits, options.maxWaiting);
      telemetry?.watchConcurrency(
        this.name,
        callClass,
        () => made.taken,
        () => made.waitingCount,
      );
      return made;
    };
    this.reads = semaphore('read', options.maxReads);
    this.writes = semaphore('write', options.maxWrites);
    this.calls = semaphore('call', options.maxCalls);
  }

  override write(ctx: OperationContext, key: BlobKey, source: BlobSource, options: WriteOptions): Promise<BlobStat> {
    return within(this.writes, ctx, () => this.inner.write(ctx, key, source, options));
  }

  /** Holds its permit until the body is closed. */
  override async read(ctx: OperationContext, key: BlobKey, range?: ByteRange): Promise<BlobRead> {
    await this.reads.take(ctx.signal);
    try {
      const read = await this.inner.read(ctx, key, range);
      const give = (): void => {
        this.reads.give();
      };
      if (read.body.closed) give();
      else read.body.once('close', give);
      return read;
    } catch (error) {
      this.reads.give();
      throw error;
    }
  }

  override stat(ctx: OperationContext, key: BlobKey): Promise<BlobStat> {
    return within(this.calls, ctx, () => this.inner.stat(ctx, key));
  }

  override delete(ctx: OperationContext, key: BlobKey): Promise<void> {
    return within(this.calls, ctx, () => this.inner.delete(ctx, key));
  }

  override restore(ctx: OperationContext, key: BlobKey, request: RestoreRequest): Promise<void> {
    return within(this.calls, ctx, () => this.inner.restore(ctx, key, request));
  }

  override list(ctx: OperationContext): AsyncIterable<BlobListing> {
    return listThrough(this.inner.list(ctx), (next) => within(this.calls, ctx, next));
  }
}

async function within<T>(semaphore: Semaphore, ctx: OperationContext, call: () => Promise<T>): Promise<T> {
  await semaphore.take(ctx.signal);
  try {
    return await call();
  } finally {
    semaphore.give();
  }
}
