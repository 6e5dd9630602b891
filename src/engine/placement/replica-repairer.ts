import { Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { VaultaireConfig } from '../../config/vaultaire-config';
import { blobId, tenantId } from '../../context/ids';
import { systemContext } from '../../context/operation-context';
import { Database } from '../../database/database';
import { DriverRegistry } from '../../drivers/driver.registry';
import { GatewayInstance } from '../gateway-instance';
import { IntervalJob } from '../quota/interval-job';
import { Placements } from './placements';
import { ReplicaCopier } from './replica-copier';
import { CLAIM_REPLICAS, REPLICA_FAILED, REPLICA_MADE } from './replica.statements';

/** Copies that one process makes at once: they must not crowd out requests. */
const MAX_COPIES = 4;
const MAX_ERROR_CHARS = 500;

interface ClaimedReplica {
  readonly blob_id: string;
  readonly driver: string;
  readonly tenant_id: string;
  readonly state: 'pending' | 'missing' | 'corrupt';
  readonly size_bytes: string;
  readonly md5: Buffer | null;
  readonly first_driver: string;
}

/**
 * Makes the copies that are wanted and not there: backups, what a write had to do without, and what was found missing or
 * corrupt. Any number of processes work at once; each copy is claimed by one, and taken over when that is gone.
 */
@Injectable()
export class ReplicaRepairer implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(ReplicaRepairer.name);
  private readonly stopping = new AbortController();
  private readonly job: IntervalJob;

  constructor(
    private readonly database: Database,
    private readonly instance: GatewayInstance,
    private readonly drivers: DriverRegistry,
    private readonly placements: Placements,
    private readonly copier: ReplicaCopier,
    config: VaultaireConfig,
  ) {
    this.job = new IntervalJob(ReplicaRepairer.name, config.engine.repairIntervalSeconds * 1000, () => this.repair());
  }

  onApplicationBootstrap(): void {
    // One driver can't have another's copies.
    if (this.drivers.all().length > 1) this.job.start();
  }

  /** Before the database and the drivers are closed. */
  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await this.job.stop();
  }

  /** Works until nothing is due on a driver that can be reached. Returns how many copies were made. */
  async repair(): Promise<number> {
    let made = 0;
    while (!this.stopping.signal.aborted) {
      const reachable = this.drivers.all().filter((driver) => driver.isAvailable());
      const claimed = await this.database.query<ClaimedReplica & Readonly<Record<string, unknown>>>(CLAIM_REPLICAS, [
        this.instance.id,
        MAX_COPIES,
        reachable.map(({ name }) => name),
      ]);
      const results = await Promise.all(claimed.map((replica) => this.make(replica)));
      made += results.filter((isMade) => isMade).length;
      if (claimed.length < MAX_COPIES) break;
    }
    return made;
  }

  private async make(replica: ClaimedReplica): Promise<boolean> {
    const id = blobId(replica.blob_id);
    const tenant = tenantId(replica.tenant_id);
    const ctx = systemContext('RepairReplica', tenant, this.stopping.signal);
    try {
      const blob = { id, sizeBytes: Number(replica.size_bytes), md5: replica.md5 };
      await this.copier.copy(ctx, blob, replica.driver);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.logger.warn(`blob ${id} could not be copied to ${replica.driver}: ${reason}`);
      const values = [id, replica.driver, this.instance.id, reason.slice(0, MAX_ERROR_CHARS)];
      await this.database.query(REPLICA_FAILED, values);
      return false;
    }
    const isFirst = this.placements.readRank(replica.driver) < this.placements.readRank(replica.first_driver);
    const values = [id, replica.driver, this.instance.id, isFirst];
    const [row] = await this.database.query<{ is_wanted: boolean }>(REPLICA_MADE, values);
    // Deleted meanwhile, and perhaps swept: nobody else would remove these bytes.
    if (row?.is_wanted !== true) await this.copier.discard(ctx, id, replica.driver, this.instance.id);
    return true;
  }
}
