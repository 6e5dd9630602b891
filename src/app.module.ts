import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { AdminApiModule } from './admin-api/admin-api.module';
import { CanaryModule } from './canary/canary.module';
import { ConfigModule } from './config/config.module';
import type { Environment } from './config/environment';
import type { VaultaireConfig } from './config/vaultaire-config';
import { DatabaseModule } from './database/database.module';
import { DriversModule } from './drivers/drivers.module';
import { EngineModule } from './engine/engine.module';
import { EventsAdminModule } from './events/admin/events-admin.module';
import { EventsModule } from './events/events.module';
import { NotificationsAdminModule } from './events/notifications/admin/notifications-admin.module';
import { HealthModule } from './health/health.module';
import { MetricsModule } from './metrics/metrics.module';
import { S3ApiModule } from './s3-api/s3-api.module';
import { TenantModule } from './tenant/tenant.module';

/** The whole gateway as one Nest application, which serves both planes. */
@Module({
  imports: [
    S3ApiModule,
    EngineModule,
    TenantModule,
    EventsModule,
    MetricsModule,
    CanaryModule,
    HealthModule,
    AdminApiModule,
    EventsAdminModule,
    NotificationsAdminModule,
  ],
})
export class AppModule {
  static forRoot(environment: Environment, config: VaultaireConfig): DynamicModule {
    return {
      module: AppModule,
      imports: [DatabaseModule, ConfigModule.forRoot(environment, config), DriversModule.forRoot(config.drivers)],
    };
  }
}
