import type { QueryResultRow } from 'pg';
import { Pool } from 'pg';
import type { TestDatabase } from '../../../test/support/test-database';
import { createTestDatabase } from '../../../test/support/test-database';
import { artifactKey, containerId } from '../../context/ids';
import type { Statement } from '../../database/database';
import { Database } from '../../database/database';
import type { VersionWithBlobRow } from './artifact.rows';
import { READ_VERSION } from './artifact.statements';
import { VersionFinder } from './version-finder';

const CONTAINER = containerId('42');

describe('VersionFinder', () => {
  let testDatabase: TestDatabase;
  let pool: Pool;
  let statements: (readonly unknown[])[];
  let finder: VersionFinder<VersionWithBlobRow>;

  beforeAll(async () => {
    testDatabase = await createTestDatabase();
    pool = new Pool({ connectionString: testDatabase.url, max: 2 });
  }, 60_000);

  afterAll(async () => {
    await pool.end();
    await testDatabase.drop();
  });

  beforeEach(async () => {
    await pool.query('TRUNCATE artifact_versions, blobs CASCADE');
    const database = new Database(pool);
    statements = [];
    finder = new VersionFinder(
      {
        read: <Row extends QueryResultRow>(statement: Statement, values: readonly unknown[]) => {
          statements.push(values);
          return database.read<Row>(statement, values);
        },
      },
      READ_VERSION,
    );
  });

  async function write(key: string, body: string, id = 1): Promise<void> {
    const blob = await pool.query<{ id: string }>(
      `INSERT INTO blobs (id, tenant_id, state, size_bytes, inline_body)
       VALUES (gen_random_uuid(), gen_random_uuid(), 'live', $1, $2) RETURNING id`,
      [body.length, Buffer.from(body)],
    );
    await pool.query('UPDATE artifact_versions SET is_latest = false WHERE key = $1 AND id < $2', [key, id]);
    await pool.query(
      `INSERT INTO artifact_versions (container_id, key, id, is_null_version, is_latest, is_delete_marker, size_bytes,
         etag, storage_class, owner_id, blob_id, created_at)
       VALUES ($1, $2, $3, true, true, false, $4, 'etag', 'STANDARD', gen_random_uuid(), $5, now())
       ON CONFLICT (container_id, key, id) DO UPDATE SET blob_id = EXCLUDED.blob_id, size_bytes = EXCLUDED.size_bytes`,
      [CONTAINER, key, id, body.length, blob.rows[0]?.id],
    );
  }

  const read = async (key: string): Promise<string | undefined> =>
    (await finder.find(CONTAINER, artifactKey(key), undefined))?.inline_body?.toString();

  it('answers a row that is held only after PostgreSQL said that it is unchanged', async () => {
    await write('a', 'first');
    await expect(read('a')).resolves.toBe('first');
    await expect(read('a')).resolves.toBe('first');
    expect(statements.map(([, , states]) => states)).toEqual([[null], [expect.stringMatching(/^1-\d+$/)]]);
  });

  it('sees an overwrite in place, a new version, a changed column and a removal', async () => {
    await write('a', 'first');
    await read('a');
    await write('a', 'second');
    await expect(read('a')).resolves.toBe('second');
    await write('a', 'third', 2);
    await expect(read('a')).resolves.toBe('third');
    await pool.query(`UPDATE artifact_versions SET tags = '{"colour": "blue"}' WHERE id = 2`);
    const row = await finder.find(CONTAINER, artifactKey('a'), undefined);
    expect(row).toMatchObject({ tags: { colour: 'blue' }, inline_body: Buffer.from('third') });
    await pool.query('DELETE FROM artifact_versions');
    await expect(read('a')).resolves.toBeUndefined();
  });

  it('asks once for what is wanted at the same time, held or not, there or not', async () => {
    await write('held', 'one');
    await write('new', 'two');
    await read('held');
    statements.length = 0;
    await expect(Promise.all(['held', 'missing', 'new', 'held'].map(read))).resolves.toEqual([
      'one',
      undefined,
      'two',
      'one',
    ]);
    expect(statements).toHaveLength(1);
  });
});
