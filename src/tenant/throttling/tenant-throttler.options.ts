import type { ThrottlerModuleOptions } from '@nestjs/throttler';
import type { BucketRate } from './leases';
import type { LimitClass } from './throttled-request';

const LIMIT_CLASSES: readonly LimitClass[] = ['read', 'write', 'list', 'admin'];

/**
 * One throttler per class, with the limits that hold where no policy says otherwise: `limit` is the burst, `ttl` the
 * milliseconds in which an empty bucket fills.
 */
export function tenantThrottlerOptions(
  limits: Readonly<Record<LimitClass, BucketRate>>,
): Exclude<ThrottlerModuleOptions, unknown[]> {
  return {
    setHeaders: false,
    throttlers: LIMIT_CLASSES.map((name) => {
      const { perSecond, burst } = limits[name];
      return { name, limit: burst, ttl: (burst * 1000) / perSecond };
    }),
  };
}
