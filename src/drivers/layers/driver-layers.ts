import type { BackoffOptions } from '../backoff';
import type { Semaphore } from '../semaphore';
import { breakerLayer } from './breaker.layer';
import type { BreakerOptions, BreakerTelemetry } from './breaker.layer';
import type { DriverLayer } from './compose-layers';
import { concurrencyLayer } from './concurrency.layer';
import type { ConcurrencyOptions, ConcurrencyTelemetry } from './concurrency.layer';
import { deadlineLayer } from './deadline.layer';
import type { DeadlineOptions } from './deadline.layer';
import { metricsLayer } from './metrics.layer';
import type { DriverCallMetrics } from './metrics.layer';
import { parallelReadLayer } from './parallel-read.layer';
import type { ParallelReadOptions } from './parallel-read.layer';
import { retryLayer } from './retry.layer';
import type { RetryTelemetry } from './retry.layer';

/** How a remote backend is called. Drivers of this machine need none of it and pay for none of it. */
export interface ResilienceOptions {
  readonly breaker: BreakerOptions;
  readonly concurrency: ConcurrencyOptions;
  readonly retry: BackoffOptions;
  readonly deadlines: DeadlineOptions;
  readonly parallelReads: ParallelReadOptions;
}

/** What the layers of all drivers of a process share. */
export interface LayerResources {
  /** A permit for each range that parallel reads may hold in memory. */
  readonly rangeMemory: Semaphore;
}

/** Where the layers report; `DriverMetrics` is one. */
export type DriverTelemetry = DriverCallMetrics &
  BreakerTelemetry &
  ConcurrencyTelemetry &
  RetryTelemetry & { hedged(driver: string): void };

/** The layers around every driver, the outermost first. `resilience` undefined: a driver of this machine. */
export function driverLayers(
  telemetry: DriverTelemetry,
  resilience: ResilienceOptions | undefined,
  { rangeMemory }: LayerResources,
): DriverLayer[] {
  // Outermost: a call is counted once, as its caller saw it.
  const layers = [metricsLayer(telemetry)];
  if (resilience === undefined) return layers;
  return [
    ...layers,
    // Outside of all that is about one call to the backend, for each of its ranges is one.
    parallelReadLayer(resilience.parallelReads, rangeMemory, telemetry),
    // Before the queue, so that nobody waits in line for a backend that is cut off; outside of the retries, so that it counts
    // calls that failed for good.
    breakerLayer(resilience.breaker, telemetry),
    // Around the retries: a call keeps its place between its tries.
    concurrencyLayer(resilience.concurrency, telemetry),
    // Around the deadline: each try has its own.
    retryLayer(resilience.retry, telemetry),
    deadlineLayer(resilience.deadlines),
  ];
}
