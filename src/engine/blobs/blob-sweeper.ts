import { Injectable, Logger } from '@nestjs/common';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { VaultaireConfig } from '../../config/vaultaire-config';
import { blobId, blobKey, tenantId } from '../../context/ids';
import { systemContext } from '../../context/operation-context';
import { Database } from '../../database/database';
import type { Queryable, Statement } from '../../database/database';
import { DriverRegistry } from '../../drivers/driver.registry';

const BATCH_BLOBS = 100;
const BATCH_MANIFESTS = 10;
const DELETE_TIMEOUT_MS = 30_000;

const DOOM_ORPHANS: Statement = { name: 'doom_orphans', text: 'SELECT vaultaire_doom_orphans() AS count' };
const EXPAND_MANIFESTS: Statement = {
  name: 'expand_manifests',
  text: 'SELECT vaultaire_expand_doomed_manifests($1) AS count',
};
const CLAIM_DOOMED: Statement = {
  name: 'claim_doomed_blobs',
  text: `SELECT id, tenant_id, driver FROM blobs
    WHERE state = 'doomed'
      AND doomed_at < least(clock_timestamp() - make_interval(secs => $1), vaultaire_oldest_read() - interval '1 second')
    ORDER BY doomed_at LIMIT $2 FOR UPDATE SKIP LOCKED`,
};
const FORGET_BLOBS: Statement = { name: 'forget_blobs', text: 'DELETE FROM blobs WHERE id = ANY ($1)' };
const FORGET_UPLOADS: Statement = {
  name: 'forget_uploads',
  text: `DELETE FROM multipart_uploads WHERE state = 'completed' AND completed_at < now() - interval '1 day'`,
};
const FORGET_INSTANCES: Statement = {
  name: 'forget_instances',
  text: `DELETE FROM gateway_instances WHERE heartbeat_at < now() - interval '1 hour'
    AND id NOT IN (SELECT instance_id FROM vaultaire_live_instances())`,
};

interface DoomedBlob {
  readonly id: string;
  readonly tenant_id: string;
  readonly driver: string | null;
}

/** What one round of sweeping removed. */
export interface SweepResult {
  readonly orphans: number;
  readonly blobs: number;
}

/**
 * Removes what writes left behind: blobs whose writer is gone, and those that nothing holds any more, after a grace period and after every read
 * that may still be on its way to them. Any number of gateways sweep at once; each row is claimed by one.
 */
@Injectable()
export class BlobSweeper implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(BlobSweeper.name);
  private readonly stopping = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<unknown> | undefined;

  constructor(
    private readonly database: Database,
    private readonly drivers: DriverRegistry,
    private readonly config: VaultaireConfig,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.running ??= this.sweep()
        .catch((error: unknown) => {
          this.logger.warn(`sweep failed: ${error instanceof Error ? error.message : String(error)}`);
        })
        .finally(() => {
          this.running = undefined;
        });
    }, this.config.engine.sweepIntervalSeconds * 1000);
    this.timer.unref();
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    this.stopping.abort();
    await this.running;
  }

  /** One round, until there is nothing left that may go now. */
  async sweep(): Promise<SweepResult> {
    const orphans = await this.count(DOOM_ORPHANS, []);
    while ((await this.count(EXPAND_MANIFESTS, [BATCH_MANIFESTS])) > 0 && !this.stopping.signal.aborted);
    let blobs = 0;
    for (;;) {
      const removed = await this.database.transaction((tx) => this.sweepBatch(tx));
      blobs += removed;
      if (removed < BATCH_BLOBS || this.stopping.signal.aborted) break;
    }
    await this.database.query(FORGET_UPLOADS, []);
    await this.database.query(FORGET_INSTANCES, []);
    return { orphans, blobs };
  }

  private async sweepBatch(tx: Queryable): Promise<number> {
    const claimed = await tx.query<DoomedBlob & Readonly<Record<string, unknown>>>(CLAIM_DOOMED, [
      this.config.engine.doomedGraceSeconds,
      BATCH_BLOBS,
    ]);
    if (claimed.length === 0) return 0;
    const deleted = await Promise.all(claimed.map((blob) => this.deleteBytes(blob)));
    const ids = deleted.filter((id) => id !== undefined);
    await tx.query(FORGET_BLOBS, [ids]);
    return ids.length;
  }

  /** The id when no driver holds the bytes any more; undefined when the driver failed, and the row has to stay. */
  private async deleteBytes(blob: DoomedBlob): Promise<string | undefined> {
    if (blob.driver === null) return blob.id;
    const tenant = tenantId(blob.tenant_id);
    const signal = AbortSignal.any([this.stopping.signal, AbortSignal.timeout(DELETE_TIMEOUT_MS)]);
    try {
      const ctx = systemContext('SweepBlobs', tenant, signal);
      await this.drivers.get(blob.driver).delete(ctx, blobKey(tenant, blobId(blob.id)));
      return blob.id;
    } catch (error) {
      this.logger.warn(`blob ${blob.id} stays for now: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  }

  private async count(statement: Statement, values: readonly unknown[]): Promise<number> {
    const [row] = await this.database.query<{ count: string }>(statement, values);
    return Number(row?.count ?? 0);
  }
}
