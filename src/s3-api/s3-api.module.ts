import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import type { RequestObserver } from '../context/request-observer';
import { REQUEST_OBSERVERS } from '../context/request-observer';
import { EngineModule } from '../engine/engine.module';
import { TrafficMeter } from '../engine/quota/traffic-meter';
import { EventLogInterceptor } from '../events/event-log.interceptor';
import { EventLogService } from '../events/event-log.service';
import { EventsModule } from '../events/events.module';
import { NotificationsModule } from '../events/notifications/notifications.module';
import { MetricsInterceptor } from '../metrics/metrics.interceptor';
import { MetricsModule } from '../metrics/metrics.module';
import { MetricsObserver } from '../metrics/metrics.observer';
import { KeyUsageRecorder } from '../tenant/key-usage-recorder';
import { TenantModule } from '../tenant/tenant.module';
import { TenantThrottlerGuard } from '../tenant/throttling/tenant-throttler.guard';
import { ThrottledRequests } from '../tenant/throttling/throttled-request';
import { AccessLogDelivery } from './access-logs/access-log-delivery';
import { AccessLogRecorder } from './access-logs/access-log-recorder';
import { AccessLogSettingsStore } from './access-logs/access-log-settings';
import { LoggedBuckets } from './access-logs/logged-buckets';
import { AccessGuard } from './auth/access.guard';
import { S3GuardStack } from './auth/s3-guard-stack';
import { SigV4Guard } from './auth/sigv4.guard';
import { ExpectedOwnerGuard } from './controllers/expected-owner.guard';
import { S3_CONTROLLERS } from './controllers/s3-controllers';
import { S3Dispatcher } from './http/s3-dispatcher';
import { S3InterceptorStack } from './http/s3-interceptor-stack';
import { S3ResponseInterceptor } from './http/s3-response.interceptor';
import { S3ThrottledRequests } from './http/s3-throttled-requests';
import { OperationRegistry } from './operations/operation-registry';
import { UnhandledOperationController } from './operations/unhandled-operation.controller';
import { SessionIssuer } from './sts/session-issuer';
import { StsController } from './sts/sts.controller';

/** The S3 plane: everything that knows S3, and nothing that knows a backend. */
@Module({
  imports: [DiscoveryModule, EngineModule, TenantModule, EventsModule, MetricsModule, NotificationsModule],
  controllers: [...S3_CONTROLLERS, StsController, UnhandledOperationController],
  providers: [
    AccessGuard,
    AccessLogDelivery,
    AccessLogRecorder,
    AccessLogSettingsStore,
    EventLogInterceptor,
    ExpectedOwnerGuard,
    KeyUsageRecorder,
    LoggedBuckets,
    MetricsInterceptor,
    OperationRegistry,
    S3Dispatcher,
    S3GuardStack,
    S3InterceptorStack,
    S3ResponseInterceptor,
    SessionIssuer,
    SigV4Guard,
    TenantThrottlerGuard,
    { provide: ThrottledRequests, useClass: S3ThrottledRequests },
    {
      provide: REQUEST_OBSERVERS,
      inject: [MetricsObserver, EventLogService, TrafficMeter, KeyUsageRecorder],
      useFactory: (...observers: RequestObserver[]): readonly RequestObserver[] => observers,
    },
  ],
  exports: [OperationRegistry, S3Dispatcher],
})
export class S3ApiModule {}
