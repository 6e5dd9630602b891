import { Module } from '@nestjs/common';
import { AdminPlaneModule } from './admin-plane.module';
import { ServerController } from './server/server.controller';

/** The admin API: what its controllers share, and the controllers that are of no other room. */
@Module({
  imports: [AdminPlaneModule],
  controllers: [ServerController],
})
export class AdminApiModule {}
