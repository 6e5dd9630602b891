import { Module } from '@nestjs/common';
import { NotificationsModule } from '../notifications.module';
import { NotificationTargetsController } from './notification-targets.controller';

/** Targets of notifications on the admin plane. */
@Module({
  imports: [NotificationsModule],
  controllers: [NotificationTargetsController],
})
export class NotificationsAdminModule {}
