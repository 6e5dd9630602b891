import { Module } from '@nestjs/common';
import { MetricsModule } from '../../metrics/metrics.module';
import { TenantModule } from '../../tenant/tenant.module';
import { NotificationDeliveryService } from './notification-delivery.service';
import { NotificationSettings } from './notification-settings';
import { NotificationTargets } from './targets/notification-targets';
import { SenderFactory } from './targets/sender-factory';

/** Tells others of changes in containers: rules, targets, delivery. The engine's transactions write the outbox. */
@Module({
  imports: [MetricsModule, TenantModule],
  providers: [NotificationDeliveryService, NotificationSettings, NotificationTargets, SenderFactory],
  exports: [NotificationSettings, NotificationTargets],
})
export class NotificationsModule {}
