import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { EmbeddedPostgres, runningPostgresUrl } from './embedded-postgres';

jest.setTimeout(60_000);

async function query(url: string, sql: string): Promise<unknown> {
  const client = new Client({ connectionString: url });
  // The server may end while we are connected.
  client.on('error', () => undefined);
  await client.connect();
  try {
    const result = await client.query<Record<string, unknown>>(sql);
    return Object.values(result.rows[0] ?? {})[0];
  } finally {
    await client.end().catch(() => undefined);
  }
}

describe('EmbeddedPostgres', () => {
  let folder: string;
  let dataDir: string;
  const running: EmbeddedPostgres[] = [];
  const start = async (onCrash: (reason: string) => void = () => undefined): Promise<EmbeddedPostgres> => {
    const server = await EmbeddedPostgres.start({ dataDir, onCrash });
    running.push(server);
    return server;
  };
  const postmasterPid = () => Number(readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pg-'));
    chmodSync(folder, 0o711);
    dataDir = join(folder, 'data');
    mkdirSync(dataDir, { mode: 0o711 });
  });
  afterEach(async () => {
    for (const server of running.splice(0)) await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('starts from nothing, keeps its data over a restart, and leaves no process behind', async () => {
    const first = await start();
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS answer');
    expect(runningPostgresUrl(dataDir)).toBe(first.url);
    const pid = postmasterPid();
    await first.stop();
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    expect(runningPostgresUrl(dataDir)).toBeUndefined();

    const second = await start();
    expect(second.url).toBe(first.url);
    expect(await query(second.url, 'SELECT answer FROM kept')).toBe(42);
  });

  it('is durable: synchronous commits, no torn pages', async () => {
    const server = await start();
    for (const setting of ['fsync', 'synchronous_commit', 'full_page_writes', 'data_checksums']) {
      expect([setting, await query(server.url, `SHOW ${setting}`)]).toEqual([setting, 'on']);
    }
  });

  it('lets nobody in without the password, which only its owner can read', async () => {
    const server = await start();
    await expect(query(server.url.replace(/:[0-9a-f]+@/, ':wrong@'), 'SELECT 1')).rejects.toThrow(/password/);
    expect(statSync(join(dataDir, 'postgres.password')).mode & 0o777).toBe(0o600);
  });

  it('adopts the server that a killed gateway left behind, and stops it in the end', async () => {
    await start();
    const pid = postmasterPid();
    const adopted = await start();
    expect(postmasterPid()).toBe(pid);
    expect(await query(adopted.url, 'SELECT 1')).toBe(1);
    await adopted.stop();
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  it('comes back on the same address when the server is killed', async () => {
    const crashed = Promise.withResolvers<string>();
    const server = await start(crashed.resolve);
    const pid = postmasterPid();
    process.kill(pid, 'SIGKILL');
    expect(await crashed.promise).toContain('SIGKILL');
    await expect(untilAnswered(server.url)).resolves.toBe(1);
    expect(postmasterPid()).not.toBe(pid);
  });

  it('is not misled by the process id of a killed server that another program has now', async () => {
    const first = await start();
    await first.stop();
    // A process that lives, and is no ancestor of the server: ancestors' ids are ignored by PostgreSQL itself.
    const stranger = spawn(process.execPath, ['-e', 'process.stdin.resume()']);
    const lines = `${stranger.pid ?? 0}\n${dataDir}\n1\n5432\n\n\n\nready   \n`;
    writeFileSync(join(dataDir, 'postgres', 'postmaster.pid'), lines);
    writeFileSync(join(dataDir, 'postgres', '.s.PGSQL.5432.lock'), lines);
    try {
      const second = await start();
      expect(await query(second.url, 'SELECT 1')).toBe(1);
    } finally {
      stranger.kill();
    }
  });

  it('removes what a kill during its first set-up left', async () => {
    mkdirSync(join(dataDir, 'postgres.new-0011', 'cluster'), { recursive: true });
    await start();
    expect(readdirSync(dataDir).sort()).toEqual(['postgres', 'postgres.log', 'postgres.password']);
  });

  it('listens on the loopback address where the path is too long for a socket', async () => {
    dataDir = join(folder, 'x'.repeat(100));
    mkdirSync(dataDir, { mode: 0o711 });
    const server = await start();
    expect(new URL(server.url).hostname).toBe('127.0.0.1');
    expect(await query(server.url, 'SELECT 1')).toBe(1);
    const adopted = await start();
    expect(adopted.url).toBe(server.url);
  });

  it('says in one line why it does not start, and leaves nothing running', async () => {
    const first = await start();
    await first.stop();
    writeFileSync(join(dataDir, 'postgres', 'PG_VERSION'), '9.6\n');
    await expect(start()).rejects.toThrow(
      /^The embedded PostgreSQL did not start: .*incompatible.*\(see .*postgres\.log\)$/,
    );
    expect(existsSync(join(dataDir, 'postgres', 'postmaster.pid'))).toBe(false);
  });

  const isRootWithSetpriv = process.getuid?.() === 0 && existsSync('/usr/bin/setpriv');
  (isRootWithSetpriv ? it : it.skip)('as root, works below a folder that is closed to other users', async () => {
    chmodSync(folder, 0o700);
    const server = await start();
    expect(await query(server.url, 'SELECT 1')).toBe(1);
    expect(statSync(join(dataDir, 'postgres')).uid).not.toBe(0);
  });
});

async function untilAnswered(url: string): Promise<unknown> {
  for (;;) {
    try {
      return await query(url, 'SELECT 1');
    } catch {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
