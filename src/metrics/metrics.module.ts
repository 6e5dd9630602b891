import { Module } from '@nestjs/common';
import { PrometheusModule } from '@willsoto/nestjs-prometheus';
import { CanaryMetrics } from './canary.metrics';
import { DatabaseMetrics } from './database-metrics';
import { DriverMetrics } from './driver-metrics';
import { EventLogMetrics } from './event-log.metrics';
import { MetricRegistryModule } from './metric-registry.module';
import { MetricsController } from './metrics.controller';
import { MetricsObserver } from './metrics.observer';
import { METRIC_PROVIDERS } from './metrics.providers';
import { NotificationMetrics } from './notification.metrics';
import { RateLimitMetrics } from './rate-limit.metrics';
import { StateMetrics } from './state-metrics';

/** Measures requests, drivers, the event log, the database pool and the process, and shows it on `/metrics`. */
@Module({
  imports: [
    MetricRegistryModule,
    PrometheusModule.registerAsync({
      imports: [MetricRegistryModule],
      controller: MetricsController,
      useFactory: () => ({ controller: MetricsController, path: '/metrics', defaultMetrics: { enabled: false } }),
    }),
  ],
  providers: [
    ...METRIC_PROVIDERS,
    MetricsObserver,
    CanaryMetrics,
    DriverMetrics,
    EventLogMetrics,
    NotificationMetrics,
    RateLimitMetrics,
    DatabaseMetrics,
    StateMetrics,
  ],
  exports: [
    ...METRIC_PROVIDERS,
    MetricsObserver,
    CanaryMetrics,
    DriverMetrics,
    EventLogMetrics,
    NotificationMetrics,
    RateLimitMetrics,
  ],
})
export class MetricsModule {}
