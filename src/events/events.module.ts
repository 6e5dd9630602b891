import { Module } from '@nestjs/common';
import { MetricsModule } from '../metrics/metrics.module';
import { EventLogService } from './event-log.service';
import { EventPartitionsService } from './event-partitions.service';

/** Logs what every request was and how it went. */
@Module({
  imports: [MetricsModule],
  providers: [EventLogService, EventPartitionsService],
  exports: [EventLogService],
})
export class EventsModule {}
