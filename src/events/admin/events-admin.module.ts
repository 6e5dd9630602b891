import { Module } from '@nestjs/common';
import { EventQueryService } from '../query/event-query.service';
import { EventsController } from './events.controller';

/** The event log on the admin plane. */
@Module({
  providers: [EventQueryService],
  controllers: [EventsController],
})
export class EventsAdminModule {}
