import { Get, Param } from '@nestjs/common';
import { ApiOkResponse, ApiParam } from '@nestjs/swagger';
import { VaultaireConfig } from '../../config/vaultaire-config';
import type { Driver } from '../../drivers/driver';
import { DriverRegistry } from '../../drivers/driver.registry';
import { HealthService } from '../../health/health.service';
import { AdminAction } from '../admin-action.decorator';
import { AdminController } from '../admin-controller.decorator';
import { AdminProblem } from '../admin-problem';
import { ApiPage } from '../page';
import type { Page } from '../page';
import { DriverView } from './driver.view';
import type { DriverHealthView } from './driver.view';

/** `/drivers`: the storage backends of the configuration, and how they are. */
@AdminController('drivers')
export class DriversController {
  constructor(
    private readonly config: VaultaireConfig,
    private readonly drivers: DriverRegistry,
    private readonly health: HealthService,
  ) {}

  @Get()
  @AdminAction({
    name: 'DriverList',
    role: 'viewer',
    summary: 'List drivers with their health',
    description: 'Each is probed by a small blob that is written, read and deleted; a probe is good for a second.',
  })
  @ApiPage(DriverView)
  async list(): Promise<Page<DriverView>> {
    const health = await this.healthByDriver();
    return { items: this.drivers.all().map((driver) => this.view(driver, health)) };
  }

  @Get(':driver')
  @AdminAction({ name: 'DriverGet', role: 'viewer', summary: 'Show a driver with its health' })
  @ApiParam({ name: 'driver', description: 'Name of the driver', example: 'local' })
  @ApiOkResponse({ type: DriverView })
  async get(@Param('driver') name: string): Promise<DriverView> {
    const driver = this.drivers.all().find((candidate) => candidate.name === name);
    if (driver === undefined) throw AdminProblem.notFound(`driver ${name}`);
    return this.view(driver, await this.healthByDriver());
  }

  private async healthByDriver(): Promise<ReadonlyMap<string, DriverHealthView>> {
    const { checks } = await this.health.readiness();
    return new Map(
      checks.map(({ name, isHealthy, latencyMs, reason }) => [
        name,
        { isHealthy, latencyMs, ...(reason === undefined ? {} : { reason }) },
      ]),
    );
  }

  private view(driver: Driver, health: ReadonlyMap<string, DriverHealthView>): DriverView {
    const { canCopy, isDurable, maxBlobBytes } = driver.capabilities;
    return {
      name: driver.name,
      type: this.config.drivers.find(({ name }) => name === driver.name)?.type ?? 'unknown',
      isDefault: this.config.placements.default.driver === driver.name,
      capabilities: { canCopy, isDurable, ...(maxBlobBytes === undefined ? {} : { maxBlobBytes }) },
      health: health.get(`driver:${driver.name}`) ?? { isHealthy: false, latencyMs: 0, reason: 'It was not probed' },
    };
  }
}
