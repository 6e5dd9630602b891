import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import type { TestDatabase } from '../../../test/support/test-database';
import { createTestDatabase } from '../../../test/support/test-database';
import { clientEnvironment } from '../../config/client-environment';
import { Environment } from '../../config/environment';
import { blobId, blobKey, tenantId } from '../../context/ids';
import { systemContext } from '../../context/operation-context';
import { LocalDriver } from '../../drivers/local/local.driver';
import type { Command } from '../command';
import { RECONCILE } from '../commands/reconcile.definition';
import { runCli } from '../run-cli';
import { reconcile } from './reconcile';

const tenant = tenantId(randomUUID());
const ctx = systemContext('Test', tenant, new AbortController().signal);

describe('reconcile', () => {
  let database: TestDatabase;
  let client: Client;
  let dataDir: string;
  let driver: LocalDriver;
  let report: Record<string, unknown>;
  let err: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    client = new Client(database.url);
    await client.connect();
    await client.query('INSERT INTO tenants (id, name) VALUES ($1, $2)', [tenant, 'reconciled']);
  }, 60_000);

  afterAll(async () => {
    await client.end();
    await database.drop();
  });

  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'vaultaire-reconcile-'));
    driver = new LocalDriver({ name: 'local', root: join(dataDir, 'blobs'), durability: 'none' });
    await client.query('DELETE FROM blobs');
  });

  afterEach(() => {
    rmSync(dataDir, { recursive: true, force: true });
  });

  async function run(...args: string[]): Promise<number> {
    let out = '';
    err = '';
    const variables = { VAULTAIRE_DATA_DIR: dataDir, DATABASE_URL: database.url };
    const command: Command = { ...RECONCILE, run: (context) => reconcile(context, Environment.load(variables)) };
    const exitCode = await runCli(['reconcile', ...args], [command], clientEnvironment({}), {
      out: (text) => (out += text),
      err: (text) => (err += text),
      isTerminal: false,
    });
    const reports: unknown = out.startsWith('[') ? JSON.parse(out) : [];
    report = Array.isArray(reports) ? (reports[0] ?? {}) : {};
    return exitCode;
  }

  async function store(bytes: Buffer): Promise<string> {
    const id = uuidv7();
    const source = async function* (): AsyncGenerator<Uint8Array> {
      yield bytes;
    };
    await driver.write(ctx, blobKey(tenant, blobId(id)), source(), { sizeBytes: bytes.length });
    return id;
  }

  async function storeLive(bytes = randomBytes(100), state = 'live'): Promise<string> {
    const id = await store(bytes);
    await client.query(
      `INSERT INTO blobs (id, tenant_id, state, size_bytes, driver) VALUES ($1, $2, $3, $4, 'local')`,
      [id, tenant, state, bytes.length],
    );
    return id;
  }

  const keyOf = (id: string): string => `tenant/${tenant}/${id}`;
  const filesOf = (): string[] =>
    readdirSync(join(dataDir, 'blobs'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => entry.name)
      .sort();
  const pathOf = (id: string): string => {
    const [entry] = readdirSync(join(dataDir, 'blobs'), { recursive: true, withFileTypes: true }).filter(
      ({ name }) => name === id,
    );
    if (entry === undefined) throw new Error(`there is no file ${id}`);
    return join(entry.parentPath, entry.name);
  };

  it('finds nothing where every blob has its row', async () => {
    const blobs = await Promise.all([storeLive(), storeLive(), storeLive(undefined, 'writing')]);
    expect(await run('--min-age', '0')).toBe(0);
    expect(report).toMatchObject({ driver: 'local', orphanKeys: [], lostBlobIds: [], checkedBlobs: 2 });
    expect(filesOf()).toEqual(blobs.toSorted());
  });

  it('reports orphans and lost blobs, and changes nothing without --apply', async () => {
    const kept = await storeLive();
    const lost = await storeLive();
    const cut = await storeLive(Buffer.alloc(50));
    const orphan = await store(Buffer.alloc(70));
    rmSync(pathOf(lost));
    writeFileSync(pathOf(cut), 'shorter');
    expect(await run('--min-age', '0')).toBe(1);
    expect(report).toMatchObject({ orphanKeys: [keyOf(orphan)], orphanBytes: 70, deletedOrphans: 0, checkedBlobs: 3 });
    expect(report.lostBlobIds).toEqual([lost, cut].toSorted());
    expect(filesOf()).toEqual([kept, cut, orphan].toSorted());
  });

  it('deletes orphans with --apply, and nothing else', async () => {
    const kept = await storeLive();
    const lost = await storeLive();
    const orphan = await store(Buffer.alloc(70));
    const unfinished = await store(Buffer.alloc(14));
    renameSync(pathOf(unfinished), `${pathOf(unfinished)}.partial`);
    rmSync(pathOf(lost));
    expect(await run('--apply', '--min-age', '0')).toBe(1);
    expect(report).toMatchObject({ deletedOrphans: 2, orphanBytes: 84, lostBlobIds: [lost] });
    expect(report.orphanKeys).toEqual(expect.arrayContaining([keyOf(orphan), keyOf(unfinished)]));
    expect(filesOf()).toEqual([kept]);
    const { rows } = await client.query('SELECT id FROM blobs ORDER BY id');
    expect(rows).toEqual([kept, lost].toSorted().map((id) => ({ id })));
  });

  it('leaves young bytes alone, whose row may still come', async () => {
    const orphan = await store(Buffer.alloc(10));
    expect(await run('--apply')).toBe(0);
    expect(filesOf()).toEqual([orphan]);
  });

  it('says what it can not do', async () => {
    expect(await run('--min-age', 'soon')).toBe(2);
    expect(err).toContain('--min-age wants a whole number of seconds');
    expect(err).toContain('Exits with 0 when nothing was found, with 1 when something was');
  });
});
