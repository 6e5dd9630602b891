import { Module } from '@nestjs/common';
import { JobsController } from '../jobs/admin/jobs.controller';
import { JobsModule } from '../jobs/jobs.module';
import { AdminPlaneModule } from './admin-plane.module';
import { ServerController } from './server/server.controller';

/** The admin API: what its controllers share, and the controllers that are of no other room. */
@Module({
  imports: [AdminPlaneModule, JobsModule],
  controllers: [JobsController, ServerController],
})
export class AdminApiModule {}
