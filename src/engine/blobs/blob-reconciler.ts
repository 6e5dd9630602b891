import { Injectable } from '@nestjs/common';
import { blobId, blobKey, tenantId } from '../../context/ids';
import { systemContext } from '../../context/operation-context';
import { Database } from '../../database/database';
import type { Statement } from '../../database/database';
import type { BlobListing, Driver } from '../../drivers/driver';
import { DriverError } from '../../drivers/driver.errors';
import { DriverRegistry } from '../../drivers/driver.registry';

const BATCH = 500;
/** Younger bytes may belong to a write whose row has not been seen yet. */
const MIN_AGE_MS = 60 * 60 * 1000;

const LIST_TENANTS: Statement = { name: 'reconcile_tenants', text: 'SELECT id FROM tenants ORDER BY id' };
const KNOWN_BLOBS: Statement = {
  name: 'reconcile_known_blobs',
  text: `SELECT id FROM blobs WHERE id = ANY ($1::uuid[]) AND driver = $2
    UNION ALL SELECT blob_id FROM blob_replicas WHERE blob_id = ANY ($1::uuid[]) AND driver = $2`,
};
const LIVE_BLOBS: Statement = {
  name: 'reconcile_live_blobs',
  text: `(SELECT id, tenant_id, size_bytes FROM blobs
      WHERE driver = $1 AND state = 'live' AND id > $2 ORDER BY id LIMIT $3)
    UNION ALL (
      SELECT b.id, b.tenant_id, b.size_bytes FROM blob_replicas r JOIN blobs b ON b.id = r.blob_id
      WHERE r.driver = $1 AND r.state = 'live' AND b.state = 'live' AND r.blob_id > $2 ORDER BY r.blob_id LIMIT $3)
    ORDER BY id LIMIT $3`,
};
const STILL_LIVE: Statement = {
  name: 'reconcile_still_live',
  text: `SELECT id FROM blobs WHERE id = $1 AND state = 'live' AND driver = $2
    UNION ALL SELECT blob_id FROM blob_replicas WHERE blob_id = $1 AND driver = $2 AND state = 'live'`,
};

/** Differences between what a driver holds and what the database says it holds. */
export interface ReconcileReport {
  readonly driver: string;
  /** Bytes that no row knows: deleted with `apply`. */
  readonly orphanKeys: readonly string[];
  readonly orphanBytes: number;
  /** Live rows whose bytes are missing or of another size: data loss, only reported. */
  readonly lostBlobIds: readonly string[];
  readonly checkedBlobs: number;
  readonly deletedOrphans: number;
}

export interface ReconcileOptions {
  /** False: a dry run that changes nothing. */
  readonly apply: boolean;
  readonly signal: AbortSignal;
  /** Bytes younger than this are left alone; default one hour. Milliseconds. */
  readonly minAgeMs?: number;
}

const NIL_UUID = '00000000-0000-0000-0000-000000000000';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Compares drivers with rows, both ways. Slow, for operators: the sweeper needs no listing. */
@Injectable()
export class BlobReconciler {
  constructor(
    private readonly database: Database,
    private readonly drivers: DriverRegistry,
  ) {}

  async reconcile(options: ReconcileOptions): Promise<ReconcileReport[]> {
    const reports: ReconcileReport[] = [];
    for (const driver of this.drivers.all()) {
      const orphans = await this.findOrphans(driver, options);
      const { lostBlobIds, checkedBlobs } = await this.findLost(driver, options);
      reports.push({ driver: driver.name, ...orphans, lostBlobIds, checkedBlobs });
    }
    return reports;
  }

  private async findOrphans(
    driver: Driver,
    options: ReconcileOptions,
  ): Promise<Pick<ReconcileReport, 'orphanKeys' | 'orphanBytes' | 'deletedOrphans'>> {
    const orphanKeys: string[] = [];
    let orphanBytes = 0;
    let deletedOrphans = 0;
    const youngestMs = Date.now() - (options.minAgeMs ?? MIN_AGE_MS);
    for (const { id } of await this.database.query<{ id: string }>(LIST_TENANTS, [])) {
      const ctx = systemContext('Reconcile', tenantId(id), options.signal);
      for await (const batch of batches(driver.list(ctx))) {
        for (const blob of await this.unknown(driver, batch)) {
          if (blob.modifiedAt.getTime() > youngestMs) continue;
          orphanKeys.push(blob.key);
          orphanBytes += blob.sizeBytes;
          if (!options.apply) continue;
          await driver.delete(ctx, blob.key);
          deletedOrphans += 1;
        }
      }
    }
    return { orphanKeys, orphanBytes, deletedOrphans };
  }

  private async unknown(driver: Driver, batch: readonly BlobListing[]): Promise<BlobListing[]> {
    const ids = batch.map((blob) => idOf(blob)).filter((id) => id !== undefined);
    const rows = await this.database.query<{ id: string }>(KNOWN_BLOBS, [ids, driver.name]);
    const known = new Set(rows.map((row) => row.id));
    return batch.filter((blob) => !known.has(idOf(blob) ?? ''));
  }

  private async findLost(
    driver: Driver,
    options: ReconcileOptions,
  ): Promise<Pick<ReconcileReport, 'lostBlobIds' | 'checkedBlobs'>> {
    const lostBlobIds: string[] = [];
    let checkedBlobs = 0;
    for (let after = NIL_UUID; ;) {
      const rows = await this.database.query<{ id: string; tenant_id: string; size_bytes: string }>(LIVE_BLOBS, [
        driver.name,
        after,
        BATCH,
      ]);
      for (const row of rows) {
        checkedBlobs += 1;
        if (!(await this.isIntact(driver, row, options.signal))) lostBlobIds.push(row.id);
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < BATCH) return { lostBlobIds, checkedBlobs };
      after = last.id;
    }
  }

  private async isIntact(
    driver: Driver,
    row: { readonly id: string; readonly tenant_id: string; readonly size_bytes: string },
    signal: AbortSignal,
  ): Promise<boolean> {
    const tenant = tenantId(row.tenant_id);
    try {
      const stat = await driver.stat(systemContext('Reconcile', tenant, signal), blobKey(tenant, blobId(row.id)));
      return stat.sizeBytes === Number(row.size_bytes);
    } catch (error) {
      if (!(error instanceof DriverError) || error.kind !== 'NotFound') throw error;
      // Deleted while we looked is no loss.
      return (await this.database.query(STILL_LIVE, [row.id, driver.name])).length === 0;
    }
  }
}

function idOf(blob: BlobListing): string | undefined {
  const id = blob.key.slice(blob.key.lastIndexOf('/') + 1);
  return UUID.test(id) ? id : undefined;
}

async function* batches(listing: AsyncIterable<BlobListing>): AsyncGenerator<BlobListing[]> {
  let batch: BlobListing[] = [];
  for await (const blob of listing) {
    batch.push(blob);
    if (batch.length === BATCH) {
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}
