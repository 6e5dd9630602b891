import { Module } from '@nestjs/common';
import { MetricsModule } from '../metrics/metrics.module';
import { CanaryService } from './canary.service';

/** A synthetic check of the whole gateway through its public address. */
@Module({
  imports: [MetricsModule],
  providers: [CanaryService],
})
export class CanaryModule {}
