import { randomBytes, randomUUID } from 'node:crypto';
import type { DataSource, QueryRunner } from 'typeorm';
import { createTestDatabase } from '../../../test/support/test-database';
import { makeDataSource } from '../data-source';
import { Notifications1700000000015 } from './1700000000015-notifications';

describe('the migration to notifications', () => {
  const migration = new Notifications1700000000015();
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

  /** As gateways call it that know of no notifications. */
  async function put(key: string, ifNoneMatch: string | null = null): Promise<unknown> {
    const rows: { outcome: string }[] = await runner.query(
      `SELECT outcome FROM vaultaire_commit_artifact($1, $2, $3, $4, 0, '', NULL, NULL, NULL, NULL, NULL, NULL, NULL,
         'STANDARD', 'written', NULL, NULL, NULL, NULL, NULL, NULL, $5)`,
      [container, key, tenant, user, ifNoneMatch],
    );
    return rows[0]?.outcome;
  }

  async function remove(key: string): Promise<void> {
    await runner.query(`SELECT vaultaire_delete_artifact($1, $2, 'latest', NULL, $3, NULL, NULL, NULL)`, [
      container,
      key,
      user,
    ]);
  }

  async function configure(): Promise<void> {
    const target = randomUUID();
    await runner.query(`INSERT INTO notification_targets (id, name, kind, settings) VALUES ($1, $2, 'redis', '{}')`, [
      target,
      target,
    ]);
    const rule = {
      id: 'r',
      element: 'QueueConfiguration',
      arn: '',
      targetId: target,
      events: ['ObjectCreated:*', 'ObjectRemoved:*'],
    };
    await runner.query('SELECT vaultaire_set_notification_rules($1, $2, NULL)', [container, JSON.stringify([rule])]);
  }

  const told = (): Promise<unknown> => runner.query('SELECT event, key FROM notification_outbox ORDER BY id');

  it('tells of changes, also those of older gateways, and not of what was refused or came to nothing', async () => {
    expect(await put('before')).toBe('ok');
    await configure();
    expect(await put('key')).toBe('ok');
    expect(await put('key', '*')).toBe('PreconditionFailed');
    await remove('missing');
    await remove('key');
    expect(await told()).toEqual([
      { event: 'TestEvent', key: '' },
      { event: 'ObjectCreated:Put', key: 'key' },
      { event: 'ObjectRemoved:Delete', key: 'key' },
    ]);
  });

  it('tells with the change or not at all', async () => {
    const before = await told();
    await runner.startTransaction();
    await put('undone');
    await runner.rollbackTransaction();
    expect(await told()).toEqual(before);
  });

  it('can be undone, and done again, while gateways write', async () => {
    await migration.down(runner);
    expect(await put('meanwhile')).toBe('ok');
    await remove('meanwhile');
    await migration.up(runner);
    expect(await told()).toEqual([]);
    await configure();
    expect(await put('after')).toBe('ok');
    expect(await told()).toContainEqual({ event: 'ObjectCreated:Put', key: 'after' });
  });
});
