import cluster from 'node:cluster';
import { Logger, Module } from '@nestjs/common';
import { Environment } from '../../config/environment';
import { MetricsModule } from '../../metrics/metrics.module';
import { AdminRateLimiter } from './admin-rate-limiter';
import { FailedAuthenticationLimiter } from './failed-authentication.limiter';
import { LeaseChannel } from './leases';
import { LimitLedger } from './limit-ledger';
import { LocalLeaseChannel } from './local-lease-channel';
import { RateLimiter } from './rate-limiter.service';
import { RedisBuckets } from './redis-buckets';
import { WorkerLeaseChannel } from './worker-lease-channel';

/** The buckets, apart from `TenantModule` so that the admin plane can have them too. */
@Module({
  imports: [MetricsModule],
  providers: [
    { provide: LeaseChannel, inject: [Environment], useFactory: leaseChannel },
    RateLimiter,
    AdminRateLimiter,
    FailedAuthenticationLimiter,
  ],
  exports: [RateLimiter, AdminRateLimiter, FailedAuthenticationLimiter],
})
export class ThrottlingModule {}

/** In a cluster the primary owns the buckets; a process by itself owns its own. */
function leaseChannel({ redisUrl }: Environment): LeaseChannel {
  if (cluster.isWorker) return new WorkerLeaseChannel();
  if (redisUrl === undefined) return new LocalLeaseChannel(new LimitLedger());
  const logger = new Logger('RateLimits');
  const shared = new RedisBuckets(redisUrl, (level, message) => {
    if (level === 'warn') logger.warn(message);
    else logger.log(message);
  });
  return new LocalLeaseChannel(new LimitLedger({ shared }), shared);
}
