import { Module } from '@nestjs/common';
import type { DynamicModule, Provider } from '@nestjs/common';
import type { DriverConfig } from '../config/vaultaire-config';
import { DriverMetrics } from '../metrics/driver-metrics';
import { MetricsModule } from '../metrics/metrics.module';
import { createDriver } from './create-driver';
import type { Driver } from './driver';
import { DriverRegistry } from './driver.registry';
import { driverToken } from './drivers.tokens';
import { composeLayers } from './layers/compose-layers';
import { metricsLayer } from './layers/metrics.layer';

/**
 * One provider per configured driver, under its token, and the {@link DriverRegistry} of them all. Global once made by `forRoot`; a
 * module that names it among its imports only says that it uses drivers.
 */
@Module({})
export class DriversModule {
  static forRoot(configs: readonly DriverConfig[]): DynamicModule {
    const tokens = configs.map(({ name }) => driverToken(name));
    return {
      module: DriversModule,
      global: true,
      imports: [MetricsModule],
      providers: [
        ...configs.map(driverProvider),
        {
          provide: DriverRegistry,
          inject: tokens,
          useFactory: (...drivers: Driver[]) => new DriverRegistry(drivers),
        },
      ],
      exports: [...tokens, DriverRegistry],
    };
  }
}

function driverProvider(config: DriverConfig): Provider {
  return {
    provide: driverToken(config.name),
    inject: [DriverMetrics],
    useFactory: (metrics: DriverMetrics): Driver =>
      composeLayers(createDriver(config), [
        // Outermost: a call is counted once, as its caller saw it.
        metricsLayer(metrics),
      ]),
  };
}
