import type { BlobKey } from '../../context/ids';
import type { OperationContext } from '../../context/operation-context';
import { delayBeforeRetry, sleep } from '../backoff';
import type { BackoffOptions } from '../backoff';
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
import type { DriverLayer } from './compose-layers';
import { ResumingBody } from '../resuming-body';
import { WrappedDriver } from './wrapped-driver';

export interface RetryTelemetry {
  retried(driver: string, operation: string): void;
}

/**
 * Repeats calls that failed with an error that may pass, with jitter.
 *
 * - A write only while nobody has pulled its source: a body that was partly read is never retried.
 * - A read also in the middle: it goes on with the range behind the last byte that came, for blobs never change.
 * - A listing until its first blob.
 */
export function retryLayer(options: BackoffOptions, telemetry?: RetryTelemetry): DriverLayer {
  return (inner) => (options.maxAttempts <= 1 ? inner : new RetryingDriver(inner, options, telemetry));
}

class RetryingDriver extends WrappedDriver {
  constructor(
    inner: Driver,
    private readonly options: BackoffOptions,
    private readonly telemetry: RetryTelemetry | undefined,
  ) {
    super(inner);
  }

  override write(ctx: OperationContext, key: BlobKey, source: BlobSource, options: WriteOptions): Promise<BlobStat> {
    let isTouched = false;
    const watched: BlobSource = {
      [Symbol.asyncIterator]: () => {
        const iterator = source[Symbol.asyncIterator]();
        return {
          next: () => {
            isTouched = true;
            return iterator.next();
          },
          return: async () => {
            if (isTouched) await iterator.return?.();
            return { done: true, value: undefined };
          },
        };
      },
    };
    return this.retrying(
      ctx,
      'write',
      () => this.inner.write(ctx, key, watched, options),
      () => !isTouched,
    );
  }

  override async read(ctx: OperationContext, key: BlobKey, range?: ByteRange): Promise<BlobRead> {
    const { stat, body, crc32 } = await this.retrying(ctx, 'read', () => this.inner.read(ctx, key, range));
    const first = range?.start ?? 0;
    const last = Math.min(range?.end ?? stat.sizeBytes - 1, stat.sizeBytes - 1);
    const resuming = new ResumingBody(body, last - first + 1, ctx.signal, async (receivedBytes, error, attempt) => {
      if (!(error instanceof DriverError) || ctx.signal.aborted) throw error;
      await this.waitBefore(ctx, 'read', error, attempt);
      const rest = { start: first + receivedBytes, end: last };
      return (await this.retrying(ctx, 'read', () => this.inner.read(ctx, key, rest))).body;
    });
    return { stat, body: resuming, crc32 };
  }

  override stat(ctx: OperationContext, key: BlobKey): Promise<BlobStat> {
    return this.retrying(ctx, 'stat', () => this.inner.stat(ctx, key));
  }

  override delete(ctx: OperationContext, key: BlobKey): Promise<void> {
    return this.retrying(ctx, 'delete', () => this.inner.delete(ctx, key));
  }

  override restore(ctx: OperationContext, key: BlobKey, request: RestoreRequest): Promise<void> {
    return this.retrying(ctx, 'restore', () => this.inner.restore(ctx, key, request));
  }

  override async *list(ctx: OperationContext): AsyncGenerator<BlobListing> {
    const { iterator, step } = await this.retrying(ctx, 'list', async () => {
      const started = this.inner.list(ctx)[Symbol.asyncIterator]();
      return { iterator: started, step: await started.next() };
    });
    try {
      for (let current = step; current.done !== true; current = await iterator.next()) yield current.value;
    } finally {
      await iterator.return?.();
    }
  }

  private async retrying<T>(
    ctx: OperationContext,
    operation: string,
    call: () => Promise<T>,
    mayRepeat: () => boolean = () => true,
  ): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await call();
      } catch (error) {
        if (!(error instanceof DriverError) || ctx.signal.aborted || !mayRepeat()) throw error;
        await this.waitBefore(ctx, operation, error, attempt);
      }
    }
  }

  /** Rejects with `error` itself where another try makes no sense. */
  private async waitBefore(
    ctx: OperationContext,
    operation: string,
    error: DriverError,
    attempt: number,
  ): Promise<void> {
    const delayMs = delayBeforeRetry(error, attempt, this.options);
    if (delayMs === undefined) throw error;
    this.telemetry?.retried(this.name, operation);
    await sleep(delayMs, ctx.signal);
  }
}
