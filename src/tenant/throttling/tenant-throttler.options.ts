import type { ThrottlerModuleOptions } from '@nestjs/throttler';
import type { BucketRate } from './leases';
import type { LimitClass } from './throttled-request';
import type { TokenBucketStorage } from './token-bucket.storage';

export const LIMIT_CLASSES: readonly LimitClass[] = ['read', 'write', 'list', 'admin'];

/**
 * One throttler per class, with the limits that hold where no policy says otherwise: `limit` is the burst, `ttl` the
 * milliseconds in which an empty bucket fills.
 */
export function tenantThrottlerOptions(
  limits: Readonly<Record<LimitClass, BucketRate>>,
  storage: TokenBucketStorage,
): Exclude<ThrottlerModuleOptions, unknown[]> {
  return {
    storage,
    setHeaders: false,
    throttlers: LIMIT_CLASSES.map((name) => {
      const { perSecond, burst } = limits[name];
      return { name, limit: burst, ttl: (burst * 1000) / perSecond };
    }),
  };
}
