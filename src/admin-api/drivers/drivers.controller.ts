import { Body, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOkResponse, ApiParam } from '@nestjs/swagger';
import { VaultaireConfig } from '../../config/vaultaire-config';
import type { Driver } from '../../drivers/driver';
import { DriverRegistry } from '../../drivers/driver.registry';
import { probeDriver } from '../../drivers/probe-driver';
import { s3SettingsOf } from '../../drivers/s3/s3-configuration';
import { DriverDrainer } from '../../engine/placement/driver-drainer';
import { HealthService } from '../../health/health.service';
import { JobView, jobView } from '../../jobs/admin/job.view';
import { JobService } from '../../jobs/job.service';
import { AdminAction } from '../admin-action.decorator';
import { AdminCaller } from '../admin-caller.decorator';
import { AdminController } from '../admin-controller.decorator';
import { AdminProblem } from '../admin-problem';
import { ApiPage } from '../page';
import type { Page } from '../page';
import { DRIVER_DRAIN, DRIVER_VERIFY } from './driver-jobs';
import { DrainDriver, DriverView, ProbeReportView, VerifyDriver } from './driver.view';
import type { DriverHealthView } from './driver.view';

const DRIVER_PARAMETER = { name: 'driver', description: 'Name of the driver', example: 'local' };
/** After it a probe tells what it has found until then; less than clients wait for an answer. */
const PROBE_MS = 60_000;

/** `/drivers`: the storage backends and attachable sources of the configuration, and how they are. */
@AdminController('drivers')
export class DriversController {
  constructor(
    private readonly config: VaultaireConfig,
    private readonly drivers: DriverRegistry,
    private readonly health: HealthService,
    private readonly drainer: DriverDrainer,
    private readonly jobs: JobService,
  ) {}

  @Get()
  @AdminAction({
    name: 'DriverList',
    role: 'viewer',
    summary: 'List drivers and attachable sources with their health',
    description:
      'Drivers are probed by a small blob that is written, read and deleted; such a probe is good for a second. Sources are listed.',
  })
  @ApiPage(DriverView)
  async list(): Promise<Page<DriverView>> {
    const health = await this.healthByDriver();
    return { items: this.everyDriver().map((driver) => this.view(driver, health)) };
  }

  @Get(':driver')
  @AdminAction({ name: 'DriverGet', role: 'viewer', summary: 'Show a driver with its health' })
  @ApiParam(DRIVER_PARAMETER)
  @ApiOkResponse({ type: DriverView })
  async get(@Param('driver') name: string): Promise<DriverView> {
    const driver = this.everyDriver().find((candidate) => candidate.name === name);
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

  @Post(':driver/drain')
  @HttpCode(202)
  @AdminAction({
    name: 'DriverDrain',
    role: 'operator',
    summary: 'Move all blobs off a driver, as a job',
    description:
      'Clients read and write meanwhile. Each blob goes to the drivers of its placement, or to the one that is named; then ' +
      'its copy is removed. Answers 409 while a placement names the driver: new blobs would go on to come.',
  })
  @ApiParam(DRIVER_PARAMETER)
  @ApiAcceptedResponse({ type: JobView })
  async drain(
    @Param('driver') name: string,
    @Body() { to }: DrainDriver,
    @AdminCaller() caller: AdminCaller,
  ): Promise<JobView> {
    this.mustExist(name);
    if (to === name) throw AdminProblem.conflict(`The driver ${name} can not be emptied onto itself`);
    if (to !== undefined) this.mustExist(to);
    const placements = this.drainer.placementsOn(name);
    if (placements.length > 0)
      throw AdminProblem.conflict(`Placements bring new blobs to the driver ${name}: ${placements.join(', ')}`);
    const parameters = { driver: name, ...(to === undefined ? {} : { to }) };
    return jobView(await this.jobs.enqueue(DRIVER_DRAIN, parameters, { createdBy: caller.actor }));
  }

  @Post(':driver/verify')
  @HttpCode(202)
  @AdminAction({
    name: 'DriverVerify',
    role: 'operator',
    summary: 'Read all that a driver holds and compare digests, as a job',
    description:
      'What is missing or damaged is made again from another copy. The job fails when there are blobs without a whole copy, ' +
      'and its progress names them.',
  })
  @ApiParam(DRIVER_PARAMETER)
  @ApiAcceptedResponse({ type: JobView })
  async verify(
    @Param('driver') name: string,
    @Body() { bytesPerSecond }: VerifyDriver,
    @AdminCaller() caller: AdminCaller,
  ): Promise<JobView> {
    this.mustExist(name);
    const parameters = { driver: name, ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }) };
    return jobView(await this.jobs.enqueue(DRIVER_VERIFY, parameters, { createdBy: caller.actor }));
  }

  private mustExist(name: string): void {
    if (!this.drivers.all().some((driver) => driver.name === name)) throw AdminProblem.notFound(`driver ${name}`);
  }

  private async healthByDriver(): Promise<ReadonlyMap<string, DriverHealthView>> {
    const [{ checks }, sources] = await Promise.all([this.health.readiness(), this.health.sources()]);
    return new Map(
      [...checks, ...sources].map(({ name, isHealthy, latencyMs, reason }) => [
        name,
        { isHealthy, latencyMs, ...(reason === undefined ? {} : { reason }) },
      ]),
    );
  }

  private everyDriver(): readonly Driver[] {
    return [...this.drivers.all(), ...this.drivers.allAttached()];
  }

  private isWrittenByDefault(name: string): boolean {
    const placement = this.config.placements.get('default');
    return placement?.driver === name || placement?.drivers?.includes(name) === true;
  }

  private view(driver: Driver, health: ReadonlyMap<string, DriverHealthView>): DriverView {
    const { canCopy, isDurable, maxBlobBytes } = driver.capabilities;
    const { name } = driver;
    const source = this.config.attachable.find((candidate) => candidate.name === name);
    const config = source ?? this.config.drivers.find((candidate) => candidate.name === name);
    const check = health.get(`${source === undefined ? 'driver' : 'source'}:${name}`);
    return {
      name,
      type: config?.type ?? 'unknown',
      isAttachable: source !== undefined,
      isDefault: this.isWrittenByDefault(name),
      capabilities: { canCopy, isDurable, ...(maxBlobBytes === undefined ? {} : { maxBlobBytes }) },
      health: check ?? { isHealthy: false, latencyMs: 0, reason: 'It was not probed' },
    };
  }
}
