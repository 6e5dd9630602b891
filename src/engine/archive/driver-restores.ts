import { Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { Environment } from '../../config/environment';
import { VaultaireConfig } from '../../config/vaultaire-config';
import { blobId, blobKey, tenantId } from '../../context/ids';
import { systemContext } from '../../context/operation-context';
import { Database } from '../../database/database';
import { PeriodicTurn } from '../../database/periodic-turn';
import { DriverRegistry } from '../../drivers/driver.registry';
import { IntervalJob } from '../quota/interval-job';
import type { BlobOnDriverRow } from './artifact-restorer';
import type { StoredRestore } from './archive-status';
import { BLOBS_OF_VERSION, RESTORED, RESTORING } from './restore.statements';

const BATCH_VERSIONS = 100;
/** Rounds in a day: one each minute. */
const ROUNDS_IN_A_DAY = 1_440;
const LEASE_SECONDS = 600;

interface RestoringRow {
  readonly container_id: string;
  readonly key: string;
  readonly id: string;
  readonly blob_id: string | null;
  readonly manifest_id: string | null;
  readonly restore: Extract<StoredRestore, { days: number }>;
}

/** Asks drivers that archive by themselves what became of restores. One process of all does it at a time. */
@Injectable()
export class DriverRestores implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(DriverRestores.name);
  private readonly stopping = new AbortController();
  private readonly dayMs: number;
  private readonly job: IntervalJob;

  constructor(
    private readonly database: Database,
    private readonly drivers: DriverRegistry,
    private readonly config: VaultaireConfig,
    environment: Environment,
  ) {
    this.dayMs = environment.lifecycleDaySeconds * 1_000;
    this.job = new IntervalJob(DriverRestores.name, Math.max(500, this.dayMs / ROUNDS_IN_A_DAY), () => this.run());
  }

  onApplicationBootstrap(): void {
    if ([...this.config.archiveClasses.values()].some(({ onDriver }) => onDriver)) this.job.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await this.job.stop();
  }

  private async run(): Promise<void> {
    const startedAtMs = performance.now();
    // Less than the time between two rounds, so that a claim is never a moment early.
    const seconds = (this.dayMs / 1_000 / ROUNDS_IN_A_DAY) * 0.9;
    const turn = new PeriodicTurn(this.database, 'restores', seconds, LEASE_SECONDS);
    if (!(await turn.claim())) return;
    try {
      await this.lookAtAll();
    } catch (error) {
      await turn.failed(error);
      throw error;
    }
    await turn.succeeded(startedAtMs);
  }

  private async lookAtAll(): Promise<void> {
    let after: readonly [string, string, string] = ['0', '', '0'];
    for (;;) {
      const rows = await this.database.query<RestoringRow & Readonly<Record<string, unknown>>>(RESTORING, [
        ...after,
        BATCH_VERSIONS,
      ]);
      for (const row of rows) {
        if (this.stopping.signal.aborted) return;
        try {
          await this.lookAt(row);
        } catch (error) {
          const reason = error instanceof Error ? error.message : String(error);
          this.logger.warn(`a restore in container ${row.container_id} is looked at again later: ${reason}`);
        }
      }
      const last = rows.at(-1);
      if (last === undefined) return;
      after = [last.container_id, last.key, last.id];
    }
  }

  private async lookAt(row: RestoringRow): Promise<void> {
    const blobs = await this.database.query<BlobOnDriverRow & Readonly<Record<string, unknown>>>(BLOBS_OF_VERSION, [
      row.blob_id,
      row.manifest_id,
    ]);
    let untilMs = Date.now() + row.restore.days * this.dayMs;
    for (const { id, tenant_id, driver } of blobs) {
      const tenant = tenantId(tenant_id);
      const ctx = systemContext('LookAtRestore', tenant, this.stopping.signal);
      const { restore } = await this.drivers.get(driver).stat(ctx, blobKey(tenant, blobId(id)));
      if (restore?.isOngoing === true) return;
      if (restore?.expiresAt !== undefined) untilMs = Math.min(untilMs, restore.expiresAt.getTime());
    }
    await this.database.query(RESTORED, [
      row.container_id,
      row.key,
      row.id,
      JSON.stringify(row.restore),
      Math.floor(untilMs),
    ]);
  }
}
