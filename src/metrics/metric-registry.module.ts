import { Module } from '@nestjs/common';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { MetricsExporter } from './metrics-exporter';

/** A registry per application, not prom-client's global one, so that several can live in one process. */
@Module({
  providers: [
    {
      provide: Registry,
      useFactory: (): Registry => {
        const register = new Registry();
        collectDefaultMetrics({ register });
        return register;
      },
    },
    MetricsExporter,
  ],
  exports: [Registry, MetricsExporter],
})
export class MetricRegistryModule {}
