import { Module } from '@nestjs/common';
import { MetricsModule } from '../metrics/metrics.module';
import { ChangeAnnouncer } from './change-announcer';
import { EventLogService } from './event-log.service';
import { PeriodicJobsService } from './maintenance/periodic-jobs.service';
import { EventSink } from './event-sink';
import { SpoolTakeoverService } from './spool/spool-takeover.service';

/** Logs what every request was and how it went. */
@Module({
  imports: [MetricsModule],
  providers: [EventSink, EventLogService, ChangeAnnouncer, SpoolTakeoverService, PeriodicJobsService],
  exports: [EventLogService, ChangeAnnouncer],
})
export class EventsModule {}
