import type { DriverCallObserver } from './operation-context';

/** How a request ended. `aborted`: the answer was not sent whole (client gone, or a source that broke midway). */
export type RequestOutcome = 'completed' | 'aborted';

/** The line that a request is worth in the access log of a container, and whose log that is. */
export interface AccessLogEntry {
  /** Row id, as {@link ContainerId}. */
  readonly containerId: string;
  /** Without a line break. */
  readonly line: string;
}

/**
 * What is known of one request, armed by the dispatcher before any guard runs and settled once at response `close`.
 * Guards, handlers and interceptors only annotate it; the event log and the metrics read it when it settles.
 */
export class RequestRecord implements DriverCallObserver {
  readonly startedAtMs: number = Date.now();
  /** Of the monotonic clock, `performance.now()`. */
  readonly startedClockMs: number = performance.now();

  tenantId: string | undefined;
  userId: string | undefined;
  accessKeyId: string | undefined;
  /** Who acted on the admin plane: `token:<name>`. */
  actor: string | undefined;
  container: string | undefined;
  artifactKey: string | undefined;
  versionId: string | undefined;
  status = 0;
  errorCode: string | undefined;
  bytesIn = 0;
  bytesOut = 0;
  /** Monotonic clock at the first byte of the answer; undefined while none was sent. */
  firstByteClockMs: number | undefined;
  driver: string | undefined;
  driverLatencyMs: number | undefined;
  placement: string | undefined;
  range: string | undefined;
  remoteAddress: string | undefined;
  userAgent: string | undefined;
  /** Size of the artifact that was read or written whole or in part, where the handler learned it. */
  artifactBytes: number | undefined;
  /** Only where the container's owner wants an access log. */
  accessLog: AccessLogEntry | undefined;
  outcome: RequestOutcome = 'aborted';
  latencyMs = 0;

  private readonly listeners: ((record: RequestRecord) => void)[] = [];
  private isSettled = false;

  constructor(
    readonly requestId: string,
    public operation: string,
  ) {}

  driverCalled(driver: string, latencyMs: number): void {
    this.driver = driver;
    this.driverLatencyMs = (this.driverLatencyMs ?? 0) + latencyMs;
  }

  placed(placement: string): void {
    this.placement = placement;
  }

  /** `listener` runs exactly once, after the response closed: now, if that has happened. It must not throw. */
  onSettled(listener: (record: RequestRecord) => void): void {
    if (this.isSettled) listener(this);
    else this.listeners.push(listener);
  }

  /** Called by the dispatcher at response `close`; later calls do nothing. */
  settle(outcome: RequestOutcome): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.outcome = outcome;
    this.latencyMs = performance.now() - this.startedClockMs;
    for (const listener of this.listeners) listener(this);
  }
}
