import { Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiOkResponse, ApiParam } from '@nestjs/swagger';
import { VaultaireConfig } from '../../config/vaultaire-config';
import type { Driver } from '../../drivers/driver';
import { DriverRegistry } from '../../drivers/driver.registry';
import { probeDriver } from '../../drivers/probe-driver';
import { s3SettingsOf } from '../../drivers/s3/s3-configuration';
import { HealthService } from '../../health/health.service';
import { AdminAction } from '../admin-action.decorator';
import { AdminController } from '../admin-controller.decorator';
import { AdminProblem } from '../admin-problem';
import { ApiPage } from '../page';
import type { Page } from '../page';
import { DriverView, ProbeReportView } from './driver.view';
import type { DriverHealthView } from './driver.view';

const DRIVER_PARAMETER = { name: 'driver', description: 'Name of the driver', example: 'local' };
/** After it a probe tells what it has found until then; less than clients wait for an answer. */
const PROBE_MS = 60_000;

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
  @ApiParam(DRIVER_PARAMETER)
  @ApiOkResponse({ type: DriverView })
  async get(@Param('driver') name: string): Promise<DriverView> {
    const driver = this.drivers.all().find((candidate) => candidate.name === name);
    if (driver === undefined) throw AdminProblem.notFound(`driver ${name}`);
    return this.view(driver, await this.healthByDriver());
  }

  @Post(':driver/probe')
  @HttpCode(200)
  @AdminAction({
    name: 'DriverProbe',
    role: 'operator',
    summary: 'Try out what the backend of an S3 driver can do',
    description:
      'Writes, reads, lists, copies and deletes objects of its own, and tells which quirks the backend shows, which profile ' +
      'fits, and where the configuration differs. Nothing is left on the backend. It takes a minute at most, and some 15 ' +
      'seconds to tidy up. Drivers of other types answer 409.',
  })
  @ApiParam(DRIVER_PARAMETER)
  @ApiOkResponse({ type: ProbeReportView })
  async probe(@Param('driver') name: string): Promise<ProbeReportView> {
    const config = this.config.drivers.find((candidate) => candidate.name === name);
    if (config === undefined) throw AdminProblem.notFound(`driver ${name}`);
    if (config.type !== 's3')
      throw AdminProblem.conflict(`The driver ${name} is of type ${config.type}; only those of type s3 can be probed`);
    return probeDriver(s3SettingsOf(config), AbortSignal.timeout(PROBE_MS));
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

  private isWrittenByDefault(name: string): boolean {
    const placement = this.config.placements.get('default');
    return placement?.driver === name || placement?.drivers?.includes(name) === true;
  }

  private view(driver: Driver, health: ReadonlyMap<string, DriverHealthView>): DriverView {
    const { canCopy, isDurable, maxBlobBytes } = driver.capabilities;
    return {
      name: driver.name,
      type: this.config.drivers.find(({ name }) => name === driver.name)?.type ?? 'unknown',
      isDefault: this.isWrittenByDefault(driver.name),
      capabilities: { canCopy, isDurable, ...(maxBlobBytes === undefined ? {} : { maxBlobBytes }) },
      health: health.get(`driver:${driver.name}`) ?? { isHealthy: false, latencyMs: 0, reason: 'It was not probed' },
    };
  }
}
