import {
  BrokenCircuitError,
  circuitBreaker,
  CircuitState,
  CountBreaker,
  ExponentialBackoff,
  handleWhen,
} from 'cockatiel';
import type { BlobKey } from '../../context/ids';
import { detach } from '../../context/operation-context';
import type { OperationContext } from '../../context/operation-context';
import type {
  BlobListing,
  BlobRead,
  BlobSource,
  BlobStat,
  ByteRange,
  Driver,
  DriverHealth,
  RestoreRequest,
  WriteOptions,
} from '../driver';
import { DriverError } from '../driver.errors';
import type { DriverErrorKind } from '../driver.errors';
import type { DriverLayer } from './compose-layers';
import { listThrough, WrappedDriver } from './wrapped-driver';

export interface BreakerOptions {
  /** Calls that are looked back on. */
  readonly windowCalls: number;
  /** No opening before so many calls. */
  readonly minCalls: number;
  /** Share of failures from which it opens, 0 to 1. */
  readonly failureShare: number;
  /** How long it stays open at first; twice as long after each failed probe, up to `maxOpenMs`. */
  readonly openMs: number;
  readonly maxOpenMs: number;
  /** Deadline of the probe. */
  readonly probeMs: number;
}

export const DEFAULT_BREAKER: BreakerOptions = {
  windowCalls: 20,
  minCalls: 5,
  failureShare: 0.5,
  openMs: 1_000,
  maxOpenMs: 30_000,
  probeMs: 10_000,
};

/** Told of the breaker once, to ask for its state whenever somebody wants to know. */
export interface BreakerTelemetry {
  watchBreaker(driver: string, isCutOff: () => boolean): void;
}

/** Faults of the backend. All other kinds are answers of a backend that works, or come from our side. */
const FAULTS: ReadonlySet<DriverErrorKind> = new Set<DriverErrorKind>(['Unavailable', 'Unexpected']);

/** From these nothing follows about the backend: the client went away, or sent something else than it said. */
const INCONCLUSIVE: ReadonlySet<DriverErrorKind> = new Set<DriverErrorKind>(['Aborted', 'Corrupted', 'RateLimited']);

/**
 * Cuts a failing backend off: calls reject with `Unavailable` at once, instead of waiting for their deadlines.
 *
 * When the time is over, the next call sends one health probe ahead, which writes, reads and deletes, and goes through if that
 * succeeds; all others are still refused. A probe of our own says more than a client's call: that may be slow or be aborted, and
 * its body can be read only once.
 */
export function breakerLayer(options: BreakerOptions, telemetry?: BreakerTelemetry): DriverLayer {
  return (inner) => new BreakingDriver(inner, options, telemetry);
}

type Outcome<T> = { readonly value: T } | { readonly error: unknown };

class BreakingDriver extends WrappedDriver {
  private readonly policy;
  private isProbing = false;
  private openedAtMs = 0;

  constructor(
    inner: Driver,
    private readonly options: BreakerOptions,
    telemetry: BreakerTelemetry | undefined,
  ) {
    super(inner);
    this.policy = circuitBreaker(handleWhen(isFault), {
      breaker: new CountBreaker({
        // It breaks above the threshold, and we from it on.
        threshold: options.failureShare - 1e-9,
        size: options.windowCalls,
        minimumNumberOfCalls: Math.min(options.minCalls, options.windowCalls),
      }),
      halfOpenAfter: new ExponentialBackoff({ initialDelay: options.openMs, maxDelay: options.maxOpenMs }),
    });
    this.policy.onBreak(() => {
      this.openedAtMs = Date.now();
    });
    telemetry?.watchBreaker(this.name, () => this.policy.state !== CircuitState.Closed);
  }

  override write(ctx: OperationContext, key: BlobKey, source: BlobSource, options: WriteOptions): Promise<BlobStat> {
    return this.guard(ctx, () => this.inner.write(ctx, key, source, options));
  }

  override async read(ctx: OperationContext, key: BlobKey, range?: ByteRange): Promise<BlobRead> {
    const read = await this.guard(ctx, () => this.inner.read(ctx, key, range));
    read.body.once('error', (error) => {
      if (isFault(error)) this.record(error);
    });
    return read;
  }

  override stat(ctx: OperationContext, key: BlobKey): Promise<BlobStat> {
    return this.guard(ctx, () => this.inner.stat(ctx, key));
  }

  override delete(ctx: OperationContext, key: BlobKey): Promise<void> {
    return this.guard(ctx, () => this.inner.delete(ctx, key));
  }

  override restore(ctx: OperationContext, key: BlobKey, request: RestoreRequest): Promise<void> {
    return this.guard(ctx, () => this.inner.restore(ctx, key, request));
  }

  override list(ctx: OperationContext): AsyncIterable<BlobListing> {
    return listThrough(this.inner.list(ctx), (next) => this.guard(ctx, next));
  }

  /** True again when the next call is to be the probe. */
  override isAvailable(): boolean {
    return this.isClosed() || (!this.isProbing && Date.now() >= this.openedAtMs + this.options.openMs);
  }

  /** Asks the backend whatever the state, and serves as the probe when one is due. */
  override async health(ctx: OperationContext): Promise<DriverHealth> {
    const health = await this.inner.health(ctx);
    if (this.policy.state !== CircuitState.Closed && !this.isProbing) await this.probe(() => Promise.resolve(health));
    return health;
  }

  private async guard<T>(ctx: OperationContext, call: () => Promise<T>): Promise<T> {
    if (this.policy.state !== CircuitState.Closed) {
      if (this.isProbing) throw this.cutOff();
      await this.probe(() => this.inner.health(detach(ctx, this.options.probeMs)));
      if (!this.isClosed()) throw this.cutOff();
    }
    const outcome = await this.policy
      .execute(() => settle(call))
      .catch((error: unknown) => {
        // It opened between the look at it and the call.
        throw error instanceof BrokenCircuitError ? this.cutOff() : error;
      });
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  /** One at a time; does nothing before the time is over. */
  private async probe(ask: () => Promise<DriverHealth>): Promise<void> {
    this.isProbing = true;
    try {
      await this.policy.execute(async () => {
        const health = await ask();
        if (!health.isHealthy) throw new DriverError('Unavailable', health.reason);
      });
    } catch {
      // Still open; its time begins anew.
    } finally {
      this.isProbing = false;
    }
  }

  private record(error: Error): void {
    if (this.policy.state !== CircuitState.Closed) return;
    this.policy.execute(() => Promise.reject(error)).catch(() => undefined);
  }

  private isClosed(): boolean {
    return this.policy.state === CircuitState.Closed;
  }

  private cutOff(): DriverError {
    const leftMs = this.openedAtMs + this.options.openMs - Date.now();
    return new DriverError('Unavailable', `${this.name} is cut off after failures`, {
      isRetryable: false,
      retryAfterSeconds: Math.max(1, Math.ceil(leftMs / 1000)),
    });
  }
}

/** Answers of a working backend as values, so that the policy counts them as successes; the rest is thrown. */
async function settle<T>(call: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await call() };
  } catch (error) {
    const isAnswer = error instanceof DriverError && !FAULTS.has(error.kind) && !INCONCLUSIVE.has(error.kind);
    if (isAnswer) return { error };
    throw error;
  }
}

function isFault(error: unknown): boolean {
  return error instanceof DriverError && FAULTS.has(error.kind);
}
