import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import type { RequestObserver } from '../context/request-observer';
import { REQUEST_OBSERVERS } from '../context/request-observer';
import { EngineModule } from '../engine/engine.module';
import { EventLogService } from '../events/event-log.service';
import { EventsModule } from '../events/events.module';
import { MetricsModule } from '../metrics/metrics.module';
import { MetricsObserver } from '../metrics/metrics.observer';
import { TenantModule } from '../tenant/tenant.module';
import { ThrottledRequests } from '../tenant/throttling/throttled-request';
import { S3_CONTROLLERS } from './controllers/s3-controllers';
import { S3Dispatcher } from './http/s3-dispatcher';
import { S3ThrottledRequests } from './http/s3-throttled-requests';
import { OperationRegistry } from './operations/operation-registry';
import { UnhandledOperationController } from './operations/unhandled-operation.controller';

/** The S3 plane: everything that knows S3, and nothing that knows a backend. */
@Module({
  imports: [DiscoveryModule, EngineModule, TenantModule, EventsModule, MetricsModule],
  controllers: [...S3_CONTROLLERS, UnhandledOperationController],
  providers: [
    OperationRegistry,
    S3Dispatcher,
    { provide: ThrottledRequests, useClass: S3ThrottledRequests },
    {
      provide: REQUEST_OBSERVERS,
      inject: [MetricsObserver, EventLogService],
      useFactory: (...observers: RequestObserver[]): readonly RequestObserver[] => observers,
    },
  ],
  exports: [OperationRegistry, S3Dispatcher],
})
export class S3ApiModule {}
