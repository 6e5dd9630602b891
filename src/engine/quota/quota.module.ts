import { Module } from '@nestjs/common';
import { Database } from '../../database/database';
import { QuotaAdmission } from './quota-admission';
import { QuotaWatcher } from './quota-watcher';
import { TrafficMeter } from './traffic-meter';
import { UsageSampler } from './usage-sampler';
import { UsageService } from './usage.service';

const WATCH_INTERVAL_MS = 3_000;

/** What tenants and containers use, and the quotas that bound it. */
@Module({
  providers: [
    QuotaAdmission,
    {
      provide: QuotaWatcher,
      inject: [Database],
      useFactory: (database: Database) => new QuotaWatcher(database, { intervalMs: WATCH_INTERVAL_MS }),
    },
    TrafficMeter,
    UsageSampler,
    UsageService,
  ],
  exports: [QuotaAdmission, TrafficMeter, UsageService],
})
export class QuotaModule {}
