/** Every way a backend call can fail, for all drivers. */
export type DriverErrorKind =
  | 'NotFound'
  | 'AlreadyExists'
  | 'RangeNotSatisfiable'
  | 'TooLarge'
  | 'PermissionDenied'
  | 'RateLimited'
  | 'Unavailable'
  | 'Archived'
  | 'Aborted'
  | 'Corrupted'
  | 'Unsupported'
  | 'NoSpace'
  | 'Unexpected';

const RETRYABLE: ReadonlySet<DriverErrorKind> = new Set<DriverErrorKind>(['RateLimited', 'Unavailable']);

/** The one error class that drivers throw. `cause` is the backend's own error; its text never reaches a client. */
export class DriverError extends Error {
  override readonly name = 'DriverError';
  /** The same call may succeed in a moment. By kind, unless the driver knows better: a refused credential stays refused. */
  readonly isRetryable: boolean;
  /** Seconds the backend asked to wait; only with kind `RateLimited` or `Unavailable`. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    readonly kind: DriverErrorKind,
    message: string,
    options: { cause?: unknown; retryAfterSeconds?: number; isRetryable?: boolean } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.isRetryable = options.isRetryable ?? RETRYABLE.has(kind);
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}
