import { Module } from '@nestjs/common';
import { JobsController } from '../jobs/admin/jobs.controller';
import { JobsModule } from '../jobs/jobs.module';
import { HealthModule } from '../health/health.module';
import { EngineModule } from '../engine/engine.module';
import { QuotaModule } from '../engine/quota/quota.module';
import { TenantModule } from '../tenant/tenant.module';
import { AdminPlaneModule } from './admin-plane.module';
import { AttachmentsController } from './containers/attachments.controller';
import { ContainerAttacher } from './containers/container-attacher';
import { ContainerDirectory } from './containers/container.directory';
import { ContainerEmptier } from './containers/container-emptier';
import { ContainersController } from './containers/containers.controller';
import { DriverJobs } from './drivers/driver-jobs';
import { DriversController } from './drivers/drivers.controller';
import { PlacementDirectory } from './placements/placement.directory';
import { PlacementPolicyController } from './placements/placement-policy.controller';
import { PlacementsController } from './placements/placements.controller';
import { ServerController } from './server/server.controller';
import { KeysController, UserKeysController } from './tenants/keys.controller';
import { PlansController } from './tenants/plans.controller';
import { PolicyController } from './tenants/policy.controller';
import { TenantClosing } from './tenants/tenant-closing';
import { TenantsController } from './tenants/tenants.controller';
import { UsersController } from './tenants/users.controller';
import { AdminTokenService } from './tokens/admin-token.service';
import { TokensController } from './tokens/tokens.controller';

/** The admin API: what its controllers share, and the controllers that are of no other room. */
@Module({
  imports: [AdminPlaneModule, EngineModule, HealthModule, JobsModule, QuotaModule, TenantModule],
  controllers: [
    AttachmentsController,
    ContainersController,
    DriversController,
    JobsController,
    KeysController,
    PlacementPolicyController,
    PlacementsController,
    PlansController,
    PolicyController,
    ServerController,
    TenantsController,
    TokensController,
    UserKeysController,
    UsersController,
  ],
  providers: [
    AdminTokenService,
    ContainerAttacher,
    ContainerDirectory,
    ContainerEmptier,
    DriverJobs,
    PlacementDirectory,
    TenantClosing,
  ],
})
export class AdminApiModule {}
