import { Module } from '@nestjs/common';
import { UsageService } from './usage.service';

/** What tenants and containers use, and the quotas that bound it. */
@Module({
  providers: [UsageService],
  exports: [UsageService],
})
export class QuotaModule {}
