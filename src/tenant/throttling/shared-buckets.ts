import type { BucketKind, BucketRate } from './leases';

export interface SharedLeaseRequest extends BucketRate {
  readonly key: string;
  readonly kind: BucketKind;
  /** What is waited for. */
  readonly need: number;
  /** To have at hand, where there is plenty. */
  readonly spare: number;
  /** Of an earlier lease. */
  readonly returned: number;
}

export interface SharedLease {
  /** Need and spare together. Debt: at least the need. */
  readonly granted: number;
  /** Milliseconds until what was not granted is there, or the debt is paid. */
  readonly waitMs: number;
}

/** Buckets that several machines draw from. */
export abstract class SharedBuckets {
  /** While false, each machine holds the limits for itself. */
  abstract readonly isUp: boolean;
  /** Counts the times that it came up: what was leased before is void. */
  abstract readonly epoch: number;
  /** Undefined: the store is away, or too slow, and {@link isUp} is false from then on. Never rejects. */
  abstract lease(request: SharedLeaseRequest): Promise<SharedLease | undefined>;
  abstract close(): Promise<void>;
}
