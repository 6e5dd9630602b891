import type { BlobKey } from '../../context/ids';
import type { OperationContext } from '../../context/operation-context';
import type { Database, Statement } from '../../database/database';
import type { ForeignSource, KnownObject } from '../../drivers/attached/foreign-source';
import { spanOf } from '../../drivers/byte-range';
import { Driver } from '../../drivers/driver';
import type { BlobListing, BlobRead, BlobStat, ByteRange, DriverHealth } from '../../drivers/driver';
import { DriverError } from '../../drivers/driver.errors';
import { blobNameOf } from '../../drivers/driver-keys';

const FIND_FOREIGN: Statement = {
  name: 'find_foreign_blob',
  text: `SELECT f.key, f.etag, b.size_bytes, b.created_at FROM foreign_blobs f JOIN blobs b ON b.id = f.blob_id
    WHERE f.blob_id = $1 AND b.tenant_id = $2 AND b.driver = $3`,
};

/** An object that another blob is made of too stays as long as somebody has that. */
const FIND_DOOMED: Statement = {
  name: 'find_doomed_foreign_blob',
  text: `SELECT f.key, f.etag, f.deletes_object AND NOT EXISTS (
      SELECT FROM foreign_blobs o JOIN blobs b ON b.id = o.blob_id AND b.state <> 'doomed'
      WHERE o.source = f.source AND o.key = f.key AND o.blob_id <> f.blob_id
    ) AS deletes_object
    FROM foreign_blobs f WHERE f.blob_id = $1 AND f.source = $2`,
};
const FORGET_FOREIGN: Statement = { name: 'forget_foreign_blob', text: 'DELETE FROM foreign_blobs WHERE blob_id = $1' };

interface DoomedRow {
  readonly [column: string]: unknown;
  readonly key: string;
  readonly etag: string;
  readonly deletes_object: boolean;
}

interface ForeignRow {
  readonly [column: string]: unknown;
  readonly key: string;
  readonly etag: string;
  readonly size_bytes: string;
  readonly created_at: Date;
}

/**
 * The objects of a {@link ForeignSource} as blobs: those that were attached, by the key that the database has for each. The bytes
 * are somebody else's: nothing is written, there is nothing to list, and deleting a blob forgets it. The object goes with it only where that
 * was asked for.
 */
export class AttachedDriver extends Driver {
  readonly name: string;
  readonly capabilities = { canCopy: false, isDurable: true, maxBlobBytes: 0 };

  constructor(
    private readonly source: ForeignSource,
    private readonly database: Database,
  ) {
    super();
    this.name = source.name;
  }

  write(): Promise<BlobStat> {
    return Promise.reject(new DriverError('Unsupported', `nothing is written to ${this.name}, which was attached`));
  }

  async read(ctx: OperationContext, key: BlobKey, range?: ByteRange): Promise<BlobRead> {
    const { object, stat } = await this.find(ctx, key);
    return { stat, body: await this.source.read(object, spanOf(range, object.sizeBytes), ctx.signal) };
  }

  async stat(ctx: OperationContext, key: BlobKey): Promise<BlobStat> {
    const { object, stat } = await this.find(ctx, key);
    const found = await this.source.describe(object.key, ctx.signal);
    if (found === undefined) throw new DriverError('NotFound', 'an attached object is gone');
    return { ...stat, sizeBytes: found.sizeBytes };
  }

  /** The sweeper's, once nothing holds the blob any more. */
  async delete(ctx: OperationContext, key: BlobKey): Promise<void> {
    const id = blobNameOf(ctx, key);
    const [row] = await this.database.query<DoomedRow>(FIND_DOOMED, [id, this.name]);
    if (row === undefined) return;
    if (row.deletes_object) await this.source.remove(row, ctx.signal);
    await this.database.query(FORGET_FOREIGN, [id]);
  }

  async *list(): AsyncGenerator<BlobListing> {
    // None of these blobs was written by us, so that none can be left over.
  }

  async health(ctx: OperationContext): Promise<DriverHealth> {
    const startedAtMs = performance.now();
    try {
      await this.source.check(ctx.signal);
      return { isHealthy: true, latencyMs: performance.now() - startedAtMs };
    } catch (error) {
      return { isHealthy: false, reason: error instanceof Error ? error.message : String(error) };
    }
  }

  close(): Promise<void> {
    return this.source.close();
  }

  private async find(ctx: OperationContext, key: BlobKey): Promise<{ object: KnownObject; stat: BlobStat }> {
    const id = blobNameOf(ctx, key);
    const [row] = await this.database.read<ForeignRow>(FIND_FOREIGN, [id, ctx.tenantId, this.name]);
    if (row === undefined) throw new DriverError('NotFound', 'the blob is not one that was attached');
    const sizeBytes = Number(row.size_bytes);
    return {
      object: { key: row.key, sizeBytes, etag: row.etag },
      stat: { key, sizeBytes, modifiedAt: row.created_at },
    };
  }
}
