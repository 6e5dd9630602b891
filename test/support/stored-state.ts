import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import type { QueryResultRow } from 'pg';
import type { RunningVaultaire } from './start-vaultaire';
import { until } from './until';

/** What must never be, each row a violation. */
const VIOLATIONS = `
WITH held AS (
  SELECT blob_id FROM artifact_versions UNION ALL SELECT blob_id FROM manifest_parts
  UNION ALL SELECT blob_id FROM multipart_parts
), counted AS (
  SELECT b.id, b.state, b.ref_count, (SELECT count(*)::integer FROM held h WHERE h.blob_id = b.id) AS holders
  FROM blobs b WHERE b.state <> 'writing'
)
SELECT 'blob held by ' || holders || ' says ' || ref_count || ', ' || state AS violation FROM counted
  WHERE ref_count <> holders OR (state = 'live') <> (holders > 0)
UNION ALL SELECT 'version without its blob: ' || key FROM artifact_versions
  WHERE blob_id IS NOT NULL AND blob_id NOT IN (SELECT id FROM blobs WHERE state = 'live')
UNION ALL SELECT 'version without its manifest: ' || key FROM artifact_versions
  WHERE manifest_id IS NOT NULL AND manifest_id NOT IN (SELECT id FROM manifests WHERE state = 'live')
UNION ALL SELECT 'part without its blob: ' || part_number FROM manifest_parts
  WHERE blob_id IS NOT NULL AND blob_id NOT IN (SELECT id FROM blobs WHERE state = 'live')
UNION ALL SELECT 'version without a container: ' || key FROM artifact_versions
  WHERE container_id NOT IN (SELECT id FROM containers)
UNION ALL SELECT 'upload without a container: ' || key FROM multipart_uploads
  WHERE container_id NOT IN (SELECT id FROM containers)
UNION ALL SELECT 'usage of ' || counted_bytes || ' bytes, ' || counted_artifacts || ' artifacts is '
  || actual_bytes || ', ' || actual_artifacts FROM vaultaire_reconcile_usage(false)`;

/** What a gateway keeps, seen from below: its tables, and the files of its local driver. */
export class StoredState {
  private constructor(
    private readonly client: Client,
    private readonly blobFolder: string,
  ) {}

  /** `databaseUrl`: of the embedded PostgreSQL, where the gateway has one. */
  static async of({ dataDir, databaseUrl }: RunningVaultaire, embeddedUrl?: string): Promise<StoredState> {
    const client = new Client(databaseUrl ?? embeddedUrl);
    // A server that is killed under the connection shows in the next query.
    client.on('error', () => undefined);
    await client.connect();
    return new StoredState(client, join(dataDir, 'blobs'));
  }

  async close(): Promise<void> {
    await this.client.end().catch(() => undefined);
  }

  async query<Row extends QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    return (await this.client.query<Row>(sql, [...values])).rows;
  }

  /** Names of all files of the driver: a blob's id, or that with `.partial`. */
  files(): string[] {
    // The driver makes its folder with the first blob.
    if (!existsSync(this.blobFolder)) return [];
    return readdirSync(this.blobFolder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => entry.name)
      .sort();
  }

  /** Ids of blobs that the driver holds, by their state. */
  async blobs(state: 'writing' | 'live' | 'doomed'): Promise<string[]> {
    const rows = await this.query<{ id: string }>(
      'SELECT id FROM blobs WHERE state = $1 AND driver IS NOT NULL ORDER BY id',
      [state],
    );
    return rows.map(({ id }) => id);
  }

  /** Sentences about what must never be; empty when all is well, also while the gateway works. */
  async violations(): Promise<string[]> {
    return (await this.query<{ violation: string }>(VIOLATIONS)).map(({ violation }) => violation);
  }

  /** Resolves when nothing but live blobs is left, in rows and in files. */
  async untilSwept(): Promise<void> {
    await until('everything is swept', async () => {
      const [row] = await this.query<{ left: string }>(
        `SELECT (SELECT count(*) FROM blobs WHERE state <> 'live') +
           (SELECT count(*) FROM manifests WHERE state <> 'live') AS left`,
      );
      return row?.left === '0' && this.files().join() === (await this.blobs('live')).join();
    });
  }

  /** Resolves when a sweep removed something that was doomed long ago, and that this call makes up. */
  async untilSweptOnce(): Promise<void> {
    const [row] = await this.query<{ id: string }>(
      `INSERT INTO blobs (id, tenant_id, state, ref_count, driver, doomed_at)
       SELECT gen_random_uuid(), id, 'doomed', 0, 'local', '2000-01-01' FROM tenants LIMIT 1 RETURNING id`,
    );
    await until('the sweeper comes round', async () => {
      return (await this.query('SELECT FROM blobs WHERE id = $1', [row?.id])).length === 0;
    });
  }
}
