import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import type { TestDatabase } from '../../../test/support/test-database';
import { createTestDatabase } from '../../../test/support/test-database';
import { clientEnvironment } from '../../config/client-environment';
import { Environment } from '../../config/environment';
import type { Command } from '../command';
import { USAGE_RECONCILE } from '../commands/usage-reconcile.definition';
import { runCli } from '../run-cli';
import { reconcileUsage } from './usage-reconcile';

describe('usage reconcile', () => {
  const tenant = randomUUID();
  let database: TestDatabase;
  let client: Client;
  let out: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    client = new Client(database.url);
    await client.connect();
    await client.query('INSERT INTO tenants (id, name) VALUES ($1, $2)', [tenant, 'counted']);
  }, 60_000);

  afterAll(async () => {
    await client.end();
    await database.drop();
  });

  async function run(...args: string[]): Promise<number> {
    out = '';
    const environment = Environment.load({ DATABASE_URL: database.url });
    const command: Command = { ...USAGE_RECONCILE, run: (context) => reconcileUsage(context, environment) };
    return runCli(['usage', 'reconcile', ...args], [command], clientEnvironment({}), {
      out: (text) => (out += text),
      err: () => undefined,
      isTerminal: false,
    });
  }

  it('finds nothing where the counters are right', async () => {
    expect(await run()).toBe(0);
    expect(JSON.parse(out)).toEqual([]);
  });

  it('reports what differs, and puts it right when told to', async () => {
    await client.query(
      'INSERT INTO usage_counters (scope, tenant_id, container_id, stripe, bytes, artifacts) VALUES (1, $1, 0, 3, 70, 2)',
      [tenant],
    );
    const drift = [{ tenantId: tenant, counted: { bytes: 70, artifacts: 2 }, actual: { bytes: 0, artifacts: 0 } }];
    expect(await run()).toBe(1);
    expect(JSON.parse(out)).toEqual(drift);
    expect(await run('--apply')).toBe(1);
    expect(JSON.parse(out)).toEqual(drift);
    expect(await run()).toBe(0);
  });
});
