import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import { CreateBucketCommand, GetObjectCommand, ListBucketsCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import supertest from 'supertest';
import type { RunningVaultaire, VaultaireOptions } from '../support/start-vaultaire';
import { prepareVaultaire, startVaultaire } from '../support/start-vaultaire';
import { until } from '../support/until';

jest.setTimeout(120_000);

const running: RunningVaultaire[] = [];
async function start(options?: VaultaireOptions): Promise<RunningVaultaire> {
  const vaultaire = await startVaultaire(options);
  running.push(vaultaire);
  return vaultaire;
}
/** Starts a gateway that can't start, and tells its last words. */
async function refusal(options: VaultaireOptions, prepare?: (vaultaire: RunningVaultaire) => void): Promise<string[]> {
  const vaultaire = await prepareVaultaire(options);
  running.push(vaultaire);
  prepare?.(vaultaire);
  await expect(vaultaire.start()).rejects.toThrow();
  expect(await vaultaire.end()).toEqual({ code: 1, signal: null });
  expect(() => process.kill(-vaultaire.pid, 0)).toThrow('ESRCH');
  return vaultaire.log.trimEnd().split('\n');
}
afterEach(async () => {
  for (const vaultaire of running.splice(0)) await vaultaire.stop();
});

const GENERATED = { VAULTAIRE_ROOT_ACCESS_KEY: undefined, VAULTAIRE_ROOT_SECRET_KEY: undefined };
const keyIn = (output: string) => /Access key {4}(\S+)/.exec(output)?.[1];
const secretIn = (output: string) => /Secret key {4}(\S+)/.exec(output)?.[1];

describe.each([1, 2])('the first start, with %i worker(s) and the embedded database', (workers) => {
  it('generates credentials, prints them once, and keeps the data over a restart', async () => {
    const vaultaire = await start({ workers, database: 'embedded', env: GENERATED });
    const accessKeyId = keyIn(vaultaire.output) ?? '';
    const secretAccessKey = secretIn(vaultaire.output) ?? '';
    expect(accessKeyId).toMatch(/^AKIA/);
    expect(vaultaire.output).toContain(`S3 endpoint   ${vaultaire.s3Endpoint}`);
    expect(vaultaire.output).toContain(`Admin         ${vaultaire.adminEndpoint}`);
    const credentials = { accessKeyId, secretAccessKey };
    const s3 = vaultaire.s3Client({ credentials });
    await s3.send(new CreateBucketCommand({ Bucket: 'kept' }));
    await s3.send(new PutObjectCommand({ Bucket: 'kept', Key: 'k', Body: 'kept' }));
    expect(await vaultaire.terminate()).toEqual({ code: 0, signal: null });

    const shownBefore = vaultaire.output.length;
    await vaultaire.start();
    const shownAgain = vaultaire.output.slice(shownBefore);
    expect(keyIn(shownAgain)).toBe(accessKeyId);
    expect(secretIn(shownAgain)).toBeUndefined();
    expect(shownAgain).not.toContain(secretAccessKey);
    const kept = await vaultaire.s3Client({ credentials }).send(new GetObjectCommand({ Bucket: 'kept', Key: 'k' }));
    expect(await kept.Body?.transformToString()).toBe('kept');
    expect(vaultaire.log).not.toContain(secretAccessKey);
  });

  it('refuses a second gateway on the same folder, and goes on after a kill of all its processes', async () => {
    const first = await start({ workers, database: 'embedded' });
    const lines = await refusal({ workers, database: 'embedded', env: { VAULTAIRE_DATA_DIR: first.dataDir } });
    expect(lines).toEqual([expect.stringMatching(/^The data folder .* is in use by another Vaultaire/)]);
    await first.s3Client().send(new CreateBucketCommand({ Bucket: 'kept' }));
    await first.kill9();
    await first.start();
    const { Buckets } = await first.s3Client().send(new ListBucketsCommand());
    expect(Buckets?.map(({ Name }) => Name)).toEqual(['kept']);
  });
});

describe('a start that can not succeed says why in one line', () => {
  it('for every bad variable', async () => {
    const env = { VAULTAIRE_S3_PORT: 'x', VAULTAIRE_WORKERS: '-1', VAULTAIRE_MASTER_KEY: 'opensesame' };
    const lines = await refusal({ env });
    expect(lines).toHaveLength(3);
    expect(lines.join('\n')).not.toContain('opensesame');
  });

  it.each(['VAULTAIRE_S3_PORT', 'VAULTAIRE_ADMIN_PORT'])('when the port of %s is taken', async (variable) => {
    const other = createTcpServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const lines = await refusal({ workers: 2, database: 'embedded', env: { [variable]: String(port) } });
    other.close();
    expect(lines).toEqual([`The port ${port} on 127.0.0.1 is taken: set ${variable} to a free one`]);
  });

  it('when the data folder is no folder', async () => {
    const lines = await refusal({ database: 'embedded' }, ({ dataDir }) => {
      writeFileSync(dataDir, '');
    });
    expect(lines).toEqual([expect.stringMatching(/^The data folder .* is not writable \(EEXIST\)/)]);
  });

  it.each([1, 2])('for a DATABASE_URL that nobody answers or that is refused, with %i worker(s)', async (workers) => {
    const port = await closedPort();
    const lines = await refusal({ workers, env: { DATABASE_URL: `postgresql://u:opensesame@127.0.0.1:${port}/d` } });
    expect(lines).toEqual([`PostgreSQL at 127.0.0.1:${port} can't be reached (ECONNREFUSED): look at DATABASE_URL`]);
  });

  it('for a wrong password or database in DATABASE_URL', async () => {
    const vaultaire = await start();
    const url = vaultaire.databaseUrl ?? '';
    const password = await refusal({ env: { DATABASE_URL: url.replace(/:[0-9a-f]+@/, ':opensesame@') } });
    expect(password).toEqual([expect.stringMatching(/refuses the user or the password of DATABASE_URL$/)]);
    const database = await refusal({ env: { DATABASE_URL: url.replace(/\/test_\d+/, '/none') } });
    expect(database).toEqual([expect.stringMatching(/has no database none: create it, or correct DATABASE_URL$/)]);
  });

  it.each([1, 2])('for a bad configuration file, with %i worker(s)', async (workers) => {
    const lines = await refusal({ workers, config: { drivers: [{ name: 'a', type: 'tape' }], colour: 'blue' } });
    expect(lines).toHaveLength(2);
    expect(lines.join('\n')).toContain('drivers[0].type');
  });

  it('for another master key than the one of the stored secrets', async () => {
    const vaultaire = await start();
    await vaultaire.terminate();
    const lines = await refusal({
      env: { DATABASE_URL: vaultaire.databaseUrl, VAULTAIRE_MASTER_KEY: 'ab'.repeat(32) },
    });
    expect(lines).toEqual([expect.stringMatching(/^The master key is not the one/)]);
  });

  it('and leaves no embedded database running', async () => {
    await refusal({ database: 'embedded', config: { colour: 'blue' } }, (vaultaire) => {
      mkdirSync(vaultaire.dataDir);
    });
    const [vaultaire] = running;
    expect(readdirSync(join(vaultaire?.dataDir ?? '', 'postgres'))).not.toContain('postmaster.pid');
  });
});

describe('a stop', () => {
  it.each([
    ['SIGINT', 1],
    ['SIGTERM', 2],
  ] as const)('by %s lets an upload in flight finish, and ends with 0, with %i worker(s)', async (signal, workers) => {
    const vaultaire = await start({ workers, database: 'embedded' });
    const s3 = vaultaire.s3Client();
    await s3.send(new CreateBucketCommand({ Bucket: 'drained' }));
    const url = await getSignedUrl(s3, new PutObjectCommand({ Bucket: 'drained', Key: 'k', ContentLength: 6 }));
    const upload = request(url, { method: 'PUT', headers: { 'content-length': 6, expect: '100-continue' } });
    const answer = once(upload, 'response');
    upload.flushHeaders();
    // The gateway is reading the body now.
    await once(upload, 'continue');
    upload.write('abc');

    const ended = vaultaire.terminate(signal);
    await untilRefused(vaultaire.s3Endpoint);
    upload.end('def');
    const [response] = (await answer) as [{ statusCode: number; resume(): void }];
    expect(response.statusCode).toBe(200);
    response.resume();
    expect(await ended).toEqual({ code: 0, signal: null });

    await vaultaire.start();
    const stored = await vaultaire.s3Client().send(new GetObjectCommand({ Bucket: 'drained', Key: 'k' }));
    expect(await stored.Body?.transformToString()).toBe('abcdef');
  });

  it('reaches all processes when npm is told to stop', async () => {
    const vaultaire = await start({ workers: 2, database: 'embedded', isStartedByNpm: true });
    const group = vaultaire.pid;
    await vaultaire.terminate();
    expect(vaultaire.log).toContain('"msg":"stopped"');
    expect(() => process.kill(-group, 0)).toThrow('ESRCH');
    expect(readdirSync(join(vaultaire.dataDir, 'postgres'))).not.toContain('postmaster.pid');
  });

  it('does not wait for idle keep-alive connections', async () => {
    const vaultaire = await start();
    const s3 = vaultaire.s3Client();
    await s3.send(new ListBucketsCommand());
    expect(await vaultaire.terminate()).toEqual({ code: 0, signal: null });
  });
});

it.each([1, 2])('logs nothing of its ordinary life at VAULTAIRE_LOG_LEVEL=warn, with %i worker(s)', async (workers) => {
  const vaultaire = await prepareVaultaire({ workers, env: { VAULTAIRE_LOG_LEVEL: 'warn' } });
  running.push(vaultaire);
  // Resolves by the line that is not there.
  void vaultaire.start().catch(() => undefined);
  await until('it serves', () => vaultaire.output.includes('Vaultaire is ready.'));
  expect(await vaultaire.terminate()).toEqual({ code: 0, signal: null });
  expect(vaultaire.log).toBe('');
});

it('replaces a worker that dies', async () => {
  const vaultaire = await start({ workers: 2 });
  const pid = Number(/"worker":(\d+)/.exec(vaultaire.log)?.[1]);
  process.kill(pid, 'SIGKILL');
  await vaultaire.untilLog(/is replaced/);
  await vaultaire.s3Client().send(new ListBucketsCommand());
});

describe('the planes', () => {
  it('serve none of the routes of each other', async () => {
    const vaultaire = await start();
    for (const path of ['/health/live', '/health/ready', '/metrics']) {
      await supertest(vaultaire.adminEndpoint).get(path).expect(200);
      await supertest(vaultaire.s3Endpoint).get(path).expect('Content-Type', 'application/xml').expect(403);
    }
    for (const path of [
      '/_s3/ListBuckets',
      '/%5fs3/ListBuckets',
      '//_s3/ListBuckets',
      '/_S3/ListBuckets',
      '/bucket/key',
    ]) {
      expect([path, (await fetch(`${vaultaire.adminEndpoint}${path}`)).status]).toEqual([path, 404]);
    }
  });
});

/** A port that nothing listens on: one that was free a moment ago. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function untilRefused(endpoint: string): Promise<void> {
  for (;;) {
    try {
      await fetch(endpoint, { headers: { connection: 'close' } });
    } catch {
      return;
    }
  }
}
