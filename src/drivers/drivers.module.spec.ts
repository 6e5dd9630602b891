import { Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { DriverMetrics } from '../metrics/driver-metrics';
import { MetricsModule } from '../metrics/metrics.module';
import { kindOf } from '../../test/conformance/describe-driver';
import { Driver } from './driver';
import { DriverRegistry } from './driver.registry';
import { DriversModule } from './drivers.module';
import { driverToken } from './drivers.tokens';

@Module({ providers: [{ provide: DriverMetrics, useValue: { observe: () => undefined } }], exports: [DriverMetrics] })
class SilentMetricsModule {}

describe('DriversModule', () => {
  const compile = () =>
    Test.createTestingModule({
      imports: [
        DriversModule.forRoot([
          { name: 'fast', type: 'memory', labels: [] },
          { name: 'bulk', type: 'memory', labels: [] },
        ]),
      ],
    })
      .overrideModule(MetricsModule)
      .useModule(SilentMetricsModule)
      .compile();

  it('gives each configured driver under its token and in the registry', async () => {
    const module = await compile();
    const registry = module.get(DriverRegistry);
    expect(registry.all().map(({ name }) => name)).toEqual(['fast', 'bulk']);
    expect(registry.get('bulk')).toBe(module.get(driverToken('bulk')));
    expect(registry.get('bulk')).toBeInstanceOf(Driver);
    await module.close();
  });

  it('calls a driver that is not configured unavailable', async () => {
    const module = await compile();
    const registry = module.get(DriverRegistry);
    expect(
      await kindOf(
        new Promise((resolve) => {
          resolve(registry.get('gone'));
        }),
      ),
    ).toBe('Unavailable');
    await module.close();
  });
});
