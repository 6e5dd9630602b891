import { randomBytes, randomUUID } from 'node:crypto';
import { Pool } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { VaultaireConfig } from '../../src/config/vaultaire-config';
import { containerName, tenantId, userId } from '../../src/context/ids';
import type { ContainerName } from '../../src/context/ids';
import type { OperationContext } from '../../src/context/operation-context';
import { connectionSettings } from '../../src/database/data-source';
import { Database } from '../../src/database/database';
import { PostgresNotificationListener } from '../../src/database/postgres-notification-listener';
import { encodeVersionId } from '../../src/engine/artifacts/version-id';
import { ContainerService } from '../../src/engine/containers/container.service';
import { ListingService } from '../../src/engine/listing/listing.service';
import { UploadFinder } from '../../src/engine/multipart/upload-finder';
import { UploadLister } from '../../src/engine/multipart/upload-lister';
import { OwnerDirectory } from '../../src/engine/owner-directory';
import { createTestDatabase } from '../support/test-database';

/** A version as it is to be in the database. */
export interface PlannedVersion {
  readonly isNullVersion: boolean;
  readonly isDeleteMarker: boolean;
}

export interface StoredVersion extends PlannedVersion {
  readonly key: string;
  readonly id: bigint;
  readonly versionId: string;
  readonly isLatest: boolean;
}

export interface StoredUpload {
  readonly key: string;
  readonly id: string;
}

/** The engine's listings on a database of their own, and a quick way to fill it. */
export class ListingDatabase {
  readonly listing: ListingService;
  readonly uploads: UploadLister;
  readonly ctx: OperationContext;
  private lastVersion = 1n << 60n;

  private constructor(
    private readonly pool: Pool,
    private readonly tenant: string,
    private readonly user: string,
    private readonly drop: () => Promise<void>,
    url: string,
  ) {
    const database = new Database(pool);
    // Never connected: nobody else changes a container here.
    const containers = new ContainerService(database, new PostgresNotificationListener(connectionSettings(url)));
    const owners = new OwnerDirectory(database);
    this.listing = new ListingService(database, containers, owners, new VaultaireConfig());
    this.uploads = new UploadLister(database, containers, owners, new UploadFinder(database, containers));
    this.ctx = {
      requestId: 'listing',
      operation: 'ListObjectsV2',
      tenantId: tenantId(tenant),
      principal: { kind: 'user', userId: userId(user), accessKeyId: 'key', canonicalId: '', displayName: '' },
      signal: new AbortController().signal,
      quota: undefined,
      deadlineMs: undefined,
      observer: undefined,
    };
  }

  static async open(): Promise<ListingDatabase> {
    const { url, drop } = await createTestDatabase();
    const pool = new Pool({ ...connectionSettings(url), max: 2 });
    const [tenant, user] = [randomUUID(), randomUUID()];
    await pool.query('INSERT INTO tenants (id, name) VALUES ($1, $2)', [tenant, 'lister']);
    await pool.query(
      'INSERT INTO users (id, tenant_id, name, canonical_id, display_name) VALUES ($1, $2, $3, $4, $3)',
      [user, tenant, 'lister', randomBytes(32).toString('hex')],
    );
    return new ListingDatabase(pool, tenant, user, drop, url);
  }

  async close(): Promise<void> {
    await this.pool.end();
    await this.drop();
  }

  /** A container with these keys, each the latest of its versions; those given per key are oldest first. */
  async containerOf(
    plan: ReadonlyMap<string, readonly PlannedVersion[]>,
  ): Promise<{ readonly container: ContainerName; readonly versions: readonly StoredVersion[] }> {
    const { name, id } = await this.newContainer();
    const versions: StoredVersion[] = [];
    for (const [key, planned] of plan) {
      for (const [at, version] of planned.entries()) {
        this.lastVersion += 1n;
        versions.push({
          ...version,
          key,
          id: this.lastVersion,
          versionId: encodeVersionId(this.lastVersion.toString(), version.isNullVersion),
          isLatest: at === planned.length - 1,
        });
      }
    }
    await this.pool.query(
      `INSERT INTO artifact_versions (container_id, key, id, is_null_version, is_latest, is_delete_marker, size_bytes,
         etag, storage_class, owner_id, created_at)
       SELECT $1, v.key, v.id, v.is_null, v.is_latest, v.is_marker, 0, '', 'STANDARD', $2, now()
       FROM unnest($3::text[], $4::bigint[], $5::boolean[], $6::boolean[], $7::boolean[])
         AS v (key, id, is_null, is_latest, is_marker)`,
      [
        id,
        this.user,
        versions.map(({ key }) => key),
        versions.map((version) => version.id.toString()),
        versions.map(({ isNullVersion }) => isNullVersion),
        versions.map(({ isLatest }) => isLatest),
        versions.map(({ isDeleteMarker }) => isDeleteMarker),
      ],
    );
    return { container: name, versions };
  }

  /** A container with an upload in progress per key; a key that is named twice has two. */
  async containerOfUploads(
    keys: readonly string[],
  ): Promise<{ readonly container: ContainerName; readonly uploads: readonly StoredUpload[] }> {
    const { name, id } = await this.newContainer();
    const uploads = keys.map((key) => ({ key, id: uuidv7() }));
    await this.pool.query(
      `INSERT INTO multipart_uploads (id, tenant_id, container_id, key, owner_id, storage_class, checksum_algorithm,
         checksum_type, is_checksum_requested)
       SELECT u.id, $1, $2, u.key, $3, 'STANDARD', 'CRC64NVME', 'FULL_OBJECT', false
       FROM unnest($4::uuid[], $5::text[]) AS u (id, key)`,
      [this.tenant, id, this.user, uploads.map((upload) => upload.id), keys],
    );
    return { container: name, uploads };
  }

  private async newContainer(): Promise<{ readonly name: ContainerName; readonly id: string }> {
    const name = containerName(`c-${randomBytes(8).toString('hex')}`);
    const { rows } = await this.pool.query<{ id: string }>(
      'INSERT INTO containers (tenant_id, name, owner_id, region) VALUES ($1, $2, $3, $4) RETURNING id',
      [this.tenant, name, this.user, 'us-east-1'],
    );
    const [row] = rows;
    if (row === undefined) throw new Error('the container was not made');
    return { name, id: row.id };
  }
}
