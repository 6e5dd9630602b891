import type { ThrottlerModuleOptions } from '@nestjs/throttler';
import type { LimitClass } from './throttled-request';
import type { TokenBucketStorage } from './token-bucket.storage';

export const LIMIT_CLASSES: readonly LimitClass[] = ['read', 'write', 'list', 'admin'];

/** Requests a second in the long run, and at once after a pause. */
export interface TenantLimit {
  readonly perSecond: number;
  readonly burst: number;
}

/**
 * One throttler per class: `limit` is the burst, `ttl` the milliseconds in which an empty bucket fills.
 *
 * A worker gives out its share, rate and burst divided by the number of workers: connections are spread evenly over them, so
 * that a tenant with several connections gets the whole; one on a single connection gets a share.
 */
export function tenantThrottlerOptions(
  limits: Readonly<Record<LimitClass, TenantLimit>>,
  workers: number,
  storage: TokenBucketStorage,
): Exclude<ThrottlerModuleOptions, unknown[]> {
  return {
    storage,
    setHeaders: false,
    throttlers: LIMIT_CLASSES.map((name) => {
      const limit = Math.max(1, limits[name].burst / workers);
      return { name, limit, ttl: (limit * 1000 * workers) / limits[name].perSecond };
    }),
  };
}
