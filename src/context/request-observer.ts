import type { RequestRecord } from './request-record';

/**
 * Told of every request of the S3 plane once it ended, also of those that were refused before any guard ran or whose client
 * went away. Collected under {@link REQUEST_OBSERVERS}; the event log and the metrics are the observers.
 */
export abstract class RequestObserver {
  /** Runs at response `close`, in the request's own tick: must be quick and must not throw. */
  abstract requestSettled(record: RequestRecord): void;
}

/** Injects `readonly RequestObserver[]`. */
export const REQUEST_OBSERVERS = Symbol('REQUEST_OBSERVERS');
