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
/** Not those of which somebody is making a copy: it would come after its blob was forgotten. */
const CLAIM_DOOMED: Statement = {
  name: 'claim_doomed_blobs',
  text: `SELECT b.id, b.tenant_id, b.driver, ARRAY(SELECT r.driver FROM blob_replicas r WHERE r.blob_id = b.id) AS others
    FROM blobs b
    WHERE b.state = 'doomed'
      AND b.doomed_at < least(clock_timestamp() - make_interval(secs => $1), vaultaire_oldest_read() - interval '1 second')
      AND NOT EXISTS (
        SELECT 1 FROM blob_replicas r WHERE r.blob_id = b.id
          AND r.claimed_by IN (SELECT instance_id FROM vaultaire_live_instances())
      )
    ORDER BY b.doomed_at LIMIT $2 FOR UPDATE OF b SKIP LOCKED`,
};
/** With their copies. What could not be deleted, $2 and $3, stays known as a doomed copy. */
const FORGET_BLOBS: Statement = {
  name: 'forget_blobs',
  text: `WITH gone AS (DELETE FROM blobs WHERE id = ANY ($1) RETURNING id, tenant_id),
    left_over AS (
      INSERT INTO blob_replicas (blob_id, driver, tenant_id, state, due_at)
      SELECT u.id, u.driver, g.tenant_id, 'doomed', clock_timestamp() + interval '30 seconds'
      FROM unnest($2::uuid[], $3::text[]) AS u (id, driver) JOIN gone g ON g.id = u.id
      ON CONFLICT (blob_id, driver) DO UPDATE SET state = 'doomed', due_at = excluded.due_at, claimed_by = NULL
    )
    DELETE FROM blob_replicas r WHERE r.blob_id = ANY ($1)
      AND NOT EXISTS (SELECT 1 FROM unnest($2::uuid[], $3::text[]) AS u (id, driver) WHERE u.id = r.blob_id AND u.driver = r.driver)`,
};
const CLAIM_DOOMED_REPLICAS: Statement = {
  name: 'claim_doomed_replicas',
  text: `SELECT blob_id, driver, tenant_id FROM blob_replicas
    WHERE state = 'doomed' AND due_at < clock_timestamp()
      AND since < least(clock_timestamp() - make_interval(secs => $1), vaultaire_oldest_read() - interval '1 second')
    ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED`,
};
const FORGET_REPLICAS: Statement = {
  name: 'forget_replicas',
  text: `DELETE FROM blob_replicas r USING unnest($1::uuid[], $2::text[]) AS d (blob_id, driver)
    WHERE r.blob_id = d.blob_id AND r.driver = d.driver`,
};
/** Tried again after 30 seconds, then after twice as long each time, an hour at most. */
const POSTPONE_REPLICAS: Statement = {
  name: 'postpone_replicas',
  text: `UPDATE blob_replicas r SET attempts = attempts + 1,
      due_at = clock_timestamp() + least(interval '1 hour', interval '30 seconds' * power(2, least(attempts, 10)))
    FROM unnest($1::uuid[], $2::text[]) AS d (blob_id, driver) WHERE r.blob_id = d.blob_id AND r.driver = d.driver`,
};
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
  readonly others: readonly string[];
}

interface DoomedReplica {
  readonly blob_id: string;
  readonly tenant_id: string;
  readonly driver: string;
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
    while ((await this.database.transaction((tx) => this.sweepReplicas(tx))) === BATCH_BLOBS) {
      if (this.stopping.signal.aborted) break;
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
    const { failed } = await this.deleteBytes(claimed.flatMap(replicasOf));
    const left = pairs(failed);
    // Stopped by the end of the process: the rows stay for the next one.
    if (this.stopping.signal.aborted && failed.length > 0) return 0;
    await tx.query(FORGET_BLOBS, [claimed.map(({ id }) => id), left.blobIds, left.drivers]);
    return claimed.length;
  }

  private async sweepReplicas(tx: Queryable): Promise<number> {
    const claimed = await tx.query<DoomedReplica & Readonly<Record<string, unknown>>>(CLAIM_DOOMED_REPLICAS, [
      this.config.engine.doomedGraceSeconds,
      BATCH_BLOBS,
    ]);
    if (claimed.length === 0) return 0;
    const { deleted, failed } = await this.deleteBytes(claimed);
    const [gone, left] = [pairs(deleted), pairs(failed)];
    await tx.query(FORGET_REPLICAS, [gone.blobIds, gone.drivers]);
    await tx.query(POSTPONE_REPLICAS, [left.blobIds, left.drivers]);
    return claimed.length;
  }

  private async deleteBytes(
    replicas: readonly DoomedReplica[],
  ): Promise<{ readonly deleted: DoomedReplica[]; readonly failed: DoomedReplica[] }> {
    const outcomes = await Promise.all(
      replicas.map(async (replica) => ({ replica, isDeleted: await this.deleteReplica(replica) })),
    );
    const having = (isDeleted: boolean): DoomedReplica[] =>
      outcomes.filter((outcome) => outcome.isDeleted === isDeleted).map(({ replica }) => replica);
    return { deleted: having(true), failed: having(false) };
  }

  /** False when the driver failed, and the bytes have to be remembered. */
  private async deleteReplica({ blob_id: id, tenant_id, driver }: DoomedReplica): Promise<boolean> {
    const tenant = tenantId(tenant_id);
    const signal = AbortSignal.any([this.stopping.signal, AbortSignal.timeout(DELETE_TIMEOUT_MS)]);
    try {
      const ctx = systemContext('SweepBlobs', tenant, signal);
      await this.drivers.get(driver).delete(ctx, blobKey(tenant, blobId(id)));
      return true;
    } catch (error) {
      this.logger.warn(
        `blob ${id} stays on ${driver} for now: ${error instanceof Error ? error.message : String(error)}`,
      );
      return false;
    }
  }

  private async count(statement: Statement, values: readonly unknown[]): Promise<number> {
    const [row] = await this.database.query<{ count: string }>(statement, values);
    return Number(row?.count ?? 0);
  }
}

function replicasOf({ id, tenant_id, driver, others }: DoomedBlob): DoomedReplica[] {
  const drivers = new Set(driver === null ? others : [driver, ...others]);
  return [...drivers].map((name) => ({ blob_id: id, tenant_id, driver: name }));
}

function pairs(replicas: readonly DoomedReplica[]): { readonly blobIds: string[]; readonly drivers: string[] } {
  return { blobIds: replicas.map(({ blob_id: id }) => id), drivers: replicas.map(({ driver }) => driver) };
}
