import { Module } from '@nestjs/common';
import type { DynamicModule, Provider } from '@nestjs/common';
import type { DriverConfig } from '../config/vaultaire-config';
import { DriverMetrics } from '../metrics/driver-metrics';
import { MetricsModule } from '../metrics/metrics.module';
import { createDriver, memberNamesOf, newDriverResources, refuseSharedBackends, resilienceOf } from './create-driver';
import type { DriverResources } from './create-driver';
import type { Driver } from './driver';
import { DriverRegistry } from './driver.registry';
import { DRIVER_RESOURCES, driverToken } from './drivers.tokens';
import { composeLayers } from './layers/compose-layers';
import { driverLayers } from './layers/driver-layers';

/**
 * One provider per configured driver, under its token, and the {@link DriverRegistry} of all that can hold blobs. Global once made by `forRoot`; a
 * module that names it among its imports only says that it uses drivers.
 */
@Module({})
export class DriversModule {
  static forRoot(configs: readonly DriverConfig[]): DynamicModule {
    refuseSharedBackends(configs);
    const members = memberNamesOf(configs);
    const tokens = configs.filter(({ name }) => !members.has(name)).map(({ name }) => driverToken(name));
    return {
      module: DriversModule,
      global: true,
      imports: [MetricsModule],
      providers: [
        {
          provide: DRIVER_RESOURCES,
          inject: [DriverMetrics],
          useFactory: (metrics: DriverMetrics) => newDriverResources(metrics),
        },
        ...configs.map(driverProvider),
        {
          provide: DriverRegistry,
          inject: [DriverMetrics, DRIVER_RESOURCES, ...tokens],
          useFactory: (metrics: DriverMetrics, resources: DriverResources, ...drivers: Driver[]) =>
            new DriverRegistry(drivers, (driver, config) =>
              composeLayers(driver, driverLayers(metrics, resilienceOf(config), resources)),
            ),
        },
      ],
      exports: [...tokens, DriverRegistry],
    };
  }
}

function driverProvider(config: DriverConfig): Provider {
  return {
    provide: driverToken(config.name),
    inject: [
      DriverMetrics,
      DRIVER_RESOURCES,
      ...(config.type === 'striped' ? config.over.map((name) => driverToken(name)) : []),
    ],
    useFactory: (metrics: DriverMetrics, resources: DriverResources, ...members: Driver[]): Driver =>
      composeLayers(createDriver(config, resources, members), driverLayers(metrics, resilienceOf(config), resources)),
  };
}
