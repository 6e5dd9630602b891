import type { BlobKey } from '../../context/ids';
import type { OperationContext } from '../../context/operation-context';
import { tracing } from '../../context/tracing';
import { Driver } from '../driver';
import type {
  BlobListing,
  BlobRead,
  BlobSource,
  BlobStat,
  ByteRange,
  DriverCapabilities,
  DriverHealth,
  ReadOptions,
  RestoreRequest,
  WriteOptions,
} from '../driver';
import { DriverError } from '../driver.errors';
import type { DriverErrorKind } from '../driver.errors';
import type { DriverLayer } from './compose-layers';

/** Where the layer reports; `DriverMetrics` is one. */
export interface DriverCallMetrics {
  observe(driver: string, operation: string, seconds: number, errorKind: string | undefined): void;
}

/**
 * Measures every call: for the metrics, and for the request that made it (`ctx.observer`).
 *
 * A write lasts as long as its source, so that a slow client makes a slow write. A read is measured until its body is open,
 * a listing until its first blob.
 */
export function metricsLayer(metrics: DriverCallMetrics): DriverLayer {
  return (inner) => new MeteredDriver(inner, metrics);
}

class MeteredDriver extends Driver {
  readonly name: string;
  readonly capabilities: DriverCapabilities;

  constructor(
    private readonly inner: Driver,
    private readonly metrics: DriverCallMetrics,
  ) {
    super();
    this.name = inner.name;
    this.capabilities = inner.capabilities;
  }

  write(ctx: OperationContext, key: BlobKey, source: BlobSource, options: WriteOptions): Promise<BlobStat> {
    return this.measure(ctx, 'write', this.inner.write(ctx, key, source, options));
  }

  read(ctx: OperationContext, key: BlobKey, range?: ByteRange, options?: ReadOptions): Promise<BlobRead> {
    return this.measure(ctx, 'read', this.inner.read(ctx, key, range, options));
  }

  stat(ctx: OperationContext, key: BlobKey): Promise<BlobStat> {
    return this.measure(ctx, 'stat', this.inner.stat(ctx, key));
  }

  delete(ctx: OperationContext, key: BlobKey): Promise<void> {
    return this.measure(ctx, 'delete', this.inner.delete(ctx, key));
  }

  override restore(ctx: OperationContext, key: BlobKey, request: RestoreRequest): Promise<void> {
    return this.measure(ctx, 'restore', this.inner.restore(ctx, key, request));
  }

  async *list(ctx: OperationContext): AsyncGenerator<BlobListing> {
    const iterator = this.inner.list(ctx)[Symbol.asyncIterator]();
    try {
      let step = await this.measure(ctx, 'list', iterator.next());
      while (step.done !== true) {
        yield step.value;
        step = await iterator.next();
      }
    } finally {
      await iterator.return?.();
    }
  }

  async health(ctx: OperationContext): Promise<DriverHealth> {
    const startedAtMs = performance.now();
    const health = await this.inner.health(ctx);
    this.report(ctx, 'health', startedAtMs, health.isHealthy ? undefined : 'Unavailable');
    return health;
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  private async measure<T>(ctx: OperationContext, operation: string, call: Promise<T>): Promise<T> {
    const startedAtMs = performance.now();
    try {
      const result = await call;
      this.report(ctx, operation, startedAtMs, undefined);
      return result;
    } catch (error) {
      // Any other error is the source's: its write was broken off, the backend did nothing wrong.
      this.report(ctx, operation, startedAtMs, error instanceof DriverError ? error.kind : 'Aborted', error);
      throw error;
    }
  }

  private report(
    ctx: OperationContext,
    operation: string,
    startedAtMs: number,
    kind: DriverErrorKind | undefined,
    error?: unknown,
  ): void {
    const latencyMs = performance.now() - startedAtMs;
    this.metrics.observe(this.name, operation, latencyMs / 1000, kind);
    ctx.observer?.driverCalled(this.name, latencyMs);
    tracing()?.called(`driver.${operation}`, startedAtMs, { 'vaultaire.driver': this.name }, error);
  }
}
