import {
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { existsSync, readdirSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { Client } from 'pg';
import { SPOOL_FOLDER } from '../../src/events/events.constants';
import { PostgresProxy } from '../support/postgres-proxy';
import type { RunningVaultaire } from '../support/start-vaultaire';
import { prepareVaultaire } from '../support/start-vaultaire';
import { until } from '../support/until';

const BUCKET = 'event-log';
const CLIENTS = 4;

/** An answered request. */
interface Answered {
  readonly requestId: string;
  readonly atMs: number;
}

describe('the event log, when PostgreSQL or the gateway go', () => {
  let vaultaire: RunningVaultaire;
  let proxy: PostgresProxy;
  let database: Client;
  let s3: S3Client;
  let answered: Answered[];

  beforeEach(async () => {
    const env: Record<string, string> = {};
    vaultaire = await prepareVaultaire({ workers: 2, env });
    const url = vaultaire.databaseUrl ?? '';
    proxy = await PostgresProxy.start(url);
    env.DATABASE_URL = proxy.url;
    database = new Client(url);
    await database.connect();
    await start();
    await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
    await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'key', Body: 'bytes' }));
    answered = [];
  }, 120_000);

  afterEach(async () => {
    await database.end();
    proxy.giveBack();
    await vaultaire.stop();
    await proxy.stop();
  }, 120_000);

  async function start(): Promise<void> {
    await vaultaire.start();
    s3 = vaultaire.s3Client();
  }

  /** One request, allowed or refused, and whatever the answer. Rejects without one. */
  async function ask(turn: number): Promise<void> {
    const requestId = turn % 2 === 0 ? await read() : await readUnsigned();
    answered.push({ requestId, atMs: Date.now() });
  }

  async function read(): Promise<string> {
    try {
      const { $metadata, Body } = await s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'key' }));
      await Body?.transformToByteArray();
      return $metadata.requestId ?? '';
    } catch (error) {
      return requestIdOf(error);
    }
  }

  async function readUnsigned(): Promise<string> {
    const response = await fetch(`${vaultaire.s3Endpoint}/${BUCKET}/key`);
    await response.arrayBuffer();
    return response.headers.get('x-amz-request-id') ?? '';
  }

  /** Writes, tags and deletes an object until the gateway is gone; notes the request ids of what was answered. */
  async function change(Key: string, changes: string[]): Promise<void> {
    const object = { Bucket: BUCKET, Key };
    const Tagging = { TagSet: [{ Key: 'a', Value: 'b' }] };
    const requests = [
      () => s3.send(new PutObjectCommand({ ...object, Body: 'bytes' })),
      () => s3.send(new PutObjectTaggingCommand({ ...object, Tagging })),
      () => s3.send(new DeleteObjectCommand(object)),
      () => s3.send(new DeleteObjectsCommand({ Bucket: BUCKET, Delete: { Objects: [{ Key }] } })),
    ];
    try {
      for (;;) for (const request of requests) changes.push((await request()).$metadata.requestId ?? '');
    } catch {
      // It was killed.
    }
  }

  /** Keeps asking until the returned function is called, or the gateway is gone. */
  function load(): () => Promise<void> {
    let isOver = false;
    const clients = Array.from({ length: CLIENTS }, async () => {
      for (let turn = 0; !isOver; turn += 1) {
        try {
          await ask(turn);
        } catch {
          return;
        }
        await setImmediate();
      }
    });
    return async () => {
      isOver = true;
      await Promise.all(clients);
    };
  }

  const answers = (count: number): Promise<void> =>
    until(`${String(count)} are answered`, () => answered.length >= count);

  /** Request ids of the table, one for each row. */
  async function logged(): Promise<string[]> {
    const { rows } = await database.query<{ request_id: string }>('SELECT request_id FROM events');
    return rows.map(({ request_id }) => request_id);
  }

  async function expectEachOnce(): Promise<void> {
    const ids = answered.map(({ requestId }) => requestId);
    expect(new Set(ids).size).toBe(ids.length);
    await until('all rows are in the table', async () => {
      const known = new Set(await logged());
      return ids.every((id) => known.has(id));
    });
    await until('nothing is left on disk', () => spoolFiles().length === 0);
    const all = await logged();
    expect(all).toHaveLength(new Set(all).size);
  }

  function spoolFiles(): string[] {
    const folder = join(vaultaire.dataDir, SPOOL_FOLDER);
    if (!existsSync(folder)) return [];
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.events'))
      .map((name) => join(folder, name));
  }

  const isOnDisk = (requestId: string): boolean =>
    spoolFiles().some((path) => readFileSync(path, 'latin1').includes(requestId));

  it('has every request once after PostgreSQL was away', async () => {
    const stop = load();
    await answers(50);
    for (const round of [1, 2]) {
      proxy.takeAway();
      const before = answered.length;
      await answers(before + 60 * round);
      proxy.giveBack();
      await answers(answered.length + 50);
    }
    await stop();
    await expectEachOnce();
  }, 180_000);

  it('has every request once after PostgreSQL was slow, and answers reads meanwhile', async () => {
    await database.query('BEGIN; LOCK TABLE events IN SHARE MODE');
    const stop = load();
    await answers(300);
    await until('rows are on disk', () => spoolFiles().length > 0);
    await database.query('COMMIT');
    await stop();
    await expectEachOnce();
  }, 180_000);

  it('has every request once that was on disk when all processes were killed', async () => {
    proxy.takeAway();
    const stop = load();
    await answers(100);
    await stop();
    await until('all rows are on disk', () => answered.every(({ requestId }) => isOnDisk(requestId)));
    await vaultaire.kill9();
    proxy.giveBack();
    await start();
    await expectEachOnce();
  }, 180_000);

  it('loses no change, and no more than the last moment of the rest, when all processes are killed under load', async () => {
    await database.query('BEGIN; LOCK TABLE events IN SHARE MODE');
    const stop = load();
    const changes: string[] = [];
    const writers = Array.from({ length: CLIENTS }, (_, at) => change(`written-${String(at)}`, changes));
    await answers(300);
    const killedAtMs = Date.now();
    await vaultaire.kill9();
    await stop();
    await Promise.all(writers);
    await database.query('COMMIT');
    await start();
    await until('nothing is left on disk', () => spoolFiles().length === 0);
    // The job that does so has more patience than this spec.
    await database.query(`SELECT vaultaire_recover_events('0 s', 1000000)`);
    const known = new Set(await logged());
    expect(changes.length).toBeGreaterThan(0);
    expect(changes.filter((requestId) => !known.has(requestId))).toEqual([]);
    const lost = answered.filter(({ requestId }) => !known.has(requestId));
    // A hundred milliseconds, and what this machine may take to run a timer of the gateway.
    expect(lost.filter(({ atMs }) => killedAtMs - atMs > 1_000)).toEqual([]);
    answered = answered.filter(({ requestId }) => known.has(requestId));
    await expectEachOnce();
  }, 180_000);

  it('reads what is whole of a file that was torn', async () => {
    proxy.takeAway();
    await ask(0);
    const [first] = answered;
    await until('the row is on disk', () => isOnDisk(first?.requestId ?? ''));
    const [path = ''] = spoolFiles();
    const wholeBytes = readFileSync(path).length;
    await until('another row is in the same file', async () => {
      await ask(0);
      return readFileSync(path).length > wholeBytes;
    });
    await vaultaire.kill9();
    truncateSync(path, readFileSync(path).length - 1);
    proxy.giveBack();
    await start();
    await until('the spool is gone', () => spoolFiles().length === 0);
    expect(await logged()).toContain(first?.requestId);
  }, 180_000);
});

function requestIdOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && '$metadata' in error) {
    const { requestId } = error.$metadata as { readonly requestId?: string };
    if (requestId !== undefined) return requestId;
  }
  throw error;
}
