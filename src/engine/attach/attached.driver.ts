import type { BlobKey } from '../../context/ids';
import type { OperationContext } from '../../context/operation-context';
import { tracing } from '../../context/tracing';
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

interface ForeignRow {
  readonly [column: string]: unknown;
  readonly key: string;
  readonly etag: string;
  readonly size_bytes: string;
  readonly created_at: Date;
}

/**
 * The objects of a {@link ForeignSource} as blobs: those that were attached, by the key that the database has for each. The bytes
 * are somebody else's: nothing is written, deleting forgets and removes nothing, and there is nothing to list.
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
    const startedAtMs = performance.now();
    const { object, stat } = await this.find(ctx, key);
    const body = await this.source.read(object, spanOf(range, object.sizeBytes), ctx.signal);
    ctx.observer?.driverCalled(this.name, performance.now() - startedAtMs);
    tracing()?.called('driver.read', startedAtMs, { 'vaultaire.driver': this.name });
    return { stat, body };
  }

  async stat(ctx: OperationContext, key: BlobKey): Promise<BlobStat> {
    const { object, stat } = await this.find(ctx, key);
    const found = await this.source.describe(object.key, ctx.signal);
    if (found === undefined) throw new DriverError('NotFound', 'an attached object is gone');
    return { ...stat, sizeBytes: found.sizeBytes };
  }

  /** The sweeper's: what it forgets here stays where it is. */
  delete(ctx: OperationContext, key: BlobKey): Promise<void> {
    blobNameOf(ctx, key);
    return Promise.resolve();
  }

  async *list(): AsyncGenerator<BlobListing> {
    // None of these blobs was written by us, so that none can be left over.
  }

  async health(ctx: OperationContext): Promise<DriverHealth> {
    const startedAtMs = performance.now();
    try {
      for await (const _key of this.source.keys(undefined, ctx.signal)) break;
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
