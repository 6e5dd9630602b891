import { Module } from '@nestjs/common';
import { JobsController } from '../jobs/admin/jobs.controller';
import { JobsModule } from '../jobs/jobs.module';
import { HealthModule } from '../health/health.module';
import { AdminPlaneModule } from './admin-plane.module';
import { DriversController } from './drivers/drivers.controller';
import { ServerController } from './server/server.controller';
import { AdminTokenService } from './tokens/admin-token.service';
import { TokensController } from './tokens/tokens.controller';

/** The admin API: what its controllers share, and the controllers that are of no other room. */
@Module({
  imports: [AdminPlaneModule, HealthModule, JobsModule],
  controllers: [DriversController, JobsController, ServerController, TokensController],
  providers: [AdminTokenService],
})
export class AdminApiModule {}
