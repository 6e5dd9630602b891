import { Module } from '@nestjs/common';
import { EngineModule } from '../engine/engine.module';
import { JobRunner } from './job.runner';
import { JobService } from './job.service';

/** Long work outside of requests. Who enqueues jobs or does them imports this for {@link JobService}. */
@Module({
  imports: [EngineModule],
  providers: [JobService, JobRunner],
  exports: [JobService],
})
export class JobsModule {}
