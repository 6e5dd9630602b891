import { randomBytes, randomUUID } from 'node:crypto';
import type { DataSource, QueryRunner } from 'typeorm';
import { createTestDatabase } from '../../../test/support/test-database';
import { makeDataSource } from '../data-source';
import { Usage1700000000005 } from './1700000000005-usage';

describe('the migration to counted usage', () => {
  const migration = new Usage1700000000005();
  const [tenant, user] = [randomUUID(), randomUUID()];
  let drop: () => Promise<void>;
  let dataSource: DataSource;
  let runner: QueryRunner;
  let container: string;

  beforeAll(async () => {
    const database = await createTestDatabase();
    drop = database.drop;
    dataSource = makeDataSource(database.url, { poolSize: 1 });
    await dataSource.initialize();
    runner = dataSource.createQueryRunner();
    await runner.query('INSERT INTO tenants (id, name) VALUES ($1, $2)', [tenant, 'migrated']);
    await runner.query(
      'INSERT INTO users (id, tenant_id, name, canonical_id, display_name) VALUES ($1, $2, $3, $4, $3)',
      [user, tenant, 'migrated', randomBytes(32).toString('hex')],
    );
    await runner.query(`SELECT vaultaire_create_container($1, 'c', $2, 'r', NULL)`, [tenant, user]);
    const rows: { id: string }[] = await runner.query('SELECT id FROM containers');
    container = rows[0]?.id ?? '';
  }, 60_000);

  afterAll(async () => {
    await runner.release();
    await dataSource.destroy();
    await drop();
  });

  /** As gateways call it that know of no quotas. */
  async function put(key: string, sizeBytes: number): Promise<void> {
    const rows: { outcome: string }[] = await runner.query(
      `SELECT outcome FROM vaultaire_commit_artifact($1, $2, $3, $4, $5, '', NULL, NULL, NULL, NULL, NULL, NULL, NULL,
         'STANDARD', 'written', NULL, NULL, NULL, NULL, NULL, NULL, NULL)`,
      [container, key, tenant, user, sizeBytes],
    );
    expect(rows).toEqual([{ outcome: 'ok' }]);
  }

  const held = (): Promise<unknown> =>
    runner.query(`SELECT scope, sum(bytes)::integer AS bytes, sum(artifacts)::integer AS artifacts
      FROM usage_counters GROUP BY scope ORDER BY scope`);

  it('counts what was there, and goes on from it', async () => {
    await put('before', 10);
    await migration.down(runner);
    await put('meanwhile', 100);
    await migration.up(runner);
    expect(await held()).toEqual([
      { scope: 1, bytes: 110, artifacts: 2 },
      { scope: 2, bytes: 110, artifacts: 2 },
    ]);
    await put('after', 1_000);
    await put('before', 20);
    expect(await held()).toEqual([
      { scope: 1, bytes: 1_120, artifacts: 3 },
      { scope: 2, bytes: 1_120, artifacts: 3 },
    ]);
    expect(await runner.query('SELECT * FROM vaultaire_reconcile_usage(false)')).toEqual([]);
  });
});
