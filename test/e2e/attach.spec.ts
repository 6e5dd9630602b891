import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask } from '../support/admin-requests';
import type { AdminAnswer } from '../support/admin-requests';
import { S3Simulator } from '../support/s3-simulator/s3-simulator';
import type { RunningVaultaire } from '../support/start-vaultaire';
import { startVaultaire } from '../support/start-vaultaire';
import { Client } from 'pg';
import { until } from '../support/until';
import { refusalOf } from './raw-answer';

const OBJECTS = 230;
const keyOf = (index: number): string => `photos/${String(index).padStart(4, '0')} ä&b.jpg`;

describe('attaching what is there already', () => {
  const big = randomBytes(1_000_000);
  let folder: string;
  let simulator: S3Simulator;
  let vaultaire: RunningVaultaire;
  let s3: S3Client;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'attached-'));
    mkdirSync(join(folder, 'dir/sub'), { recursive: true });
    writeFileSync(join(folder, 'a.txt'), 'first');
    writeFileSync(join(folder, 'dir.txt'), 'beside');
    writeFileSync(join(folder, 'dir/big'), big);
    writeFileSync(join(folder, 'dir/sub/empty'), '');
    symlinkSync('/etc/hostname', join(folder, 'link'));
    simulator = await S3Simulator.start();
    for (let index = 0; index < OBJECTS; index += 1) {
      const headers = { 'content-type': 'image/jpeg', 'x-amz-meta-number': String(index) };
      simulator.store.put(`old/${keyOf(index)}`, Buffer.from(`bytes of ${index}`), headers, {
        hasMd5ETag: true,
        hasChecksums: true,
      });
    }
    const credentials = { accessKeyId: 'simulated', secretAccessKey: 'simulated-secret' };
    const bucket = { endpoint: simulator.endpoint, bucket: simulator.bucket, addressing: 'path', region: 'us-east-1' };
    vaultaire = await startVaultaire({
      config: {
        attachable: [
          { name: 'files', type: 'local', path: folder },
          { name: 'old-bucket', type: 's3', keyPrefix: 'old/', ...bucket, credentials },
        ],
        engine: { sweepIntervalSeconds: 1, doomedGraceSeconds: 1 },
      },
    });
    s3 = vaultaire.s3Client();
  }, 60_000);

  afterAll(async () => {
    await vaultaire.stop();
    await simulator.close();
    rmSync(folder, { recursive: true });
  });

  const containers = '/api/v1/tenants/default/containers';

  async function finished(started: AdminAnswer): Promise<AdminAnswer['body']> {
    expect(started.status).toBe(202);
    let job = started.body;
    await until('the job is over', async () => {
      ({ body: job } = await ask(vaultaire, 'GET', `/api/v1/jobs/${job.id}`));
      return !['queued', 'running'].includes(job.state);
    });
    return job;
  }

  async function attach(Bucket: string, source: string, more: object = {}): Promise<AdminAnswer['body']> {
    return finished(await ask(vaultaire, 'POST', `${containers}/${Bucket}/attach`, { body: { source, ...more } }));
  }

  async function detach(Bucket: string, source: string, query = ''): Promise<AdminAnswer['body']> {
    return finished(await ask(vaultaire, 'DELETE', `${containers}/${Bucket}/attachments/${source}${query}`));
  }

  const keysOf = async (Bucket: string): Promise<(string | undefined)[]> =>
    ((await s3.send(new ListObjectsV2Command({ Bucket }))).Contents ?? []).map(({ Key }) => Key);

  const bytesOf = async (Bucket: string, Key: string, Range?: string): Promise<Buffer> => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, Range }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  };

  /** Empties and deletes a bucket, and waits until the sweeper has forgotten all that was in it. */
  async function remove(Bucket: string): Promise<void> {
    const emptied = await finished(await ask(vaultaire, 'POST', `${containers}/${Bucket}/empty`));
    expect(emptied.state).toBe('done');
    expect((await ask(vaultaire, 'DELETE', `${containers}/${Bucket}`)).status).toBe(204);
    const client = new Client({ connectionString: vaultaire.databaseUrl });
    await client.connect();
    try {
      await until('the blobs are forgotten', async () => {
        const { rows } = await client.query('SELECT count(*)::integer AS count FROM foreign_blobs');
        return rows[0].count === 0;
      });
    } finally {
      await client.end();
    }
  }

  it('serves the files of a folder, and leaves them alone', async () => {
    const Bucket = 'from-folder';
    await s3.send(new CreateBucketCommand({ Bucket }));
    await s3.send(new PutObjectCommand({ Bucket, Key: 'dir.txt', Body: 'mine' }));
    const job = await attach(Bucket, 'files');
    expect(job).toMatchObject({ state: 'done', progress: { indexedKeys: 3, indexedBytes: 1_000_005, skippedKeys: 1 } });

    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }));
    expect(Contents.map(({ Key, Size }) => [Key, Size])).toEqual([
      ['a.txt', 5],
      ['dir.txt', 4],
      ['dir/big', big.length],
      ['dir/sub/empty', 0],
    ]);
    expect((await bytesOf(Bucket, 'dir/big')).equals(big)).toBe(true);
    expect(await bytesOf(Bucket, 'dir/big', 'bytes=10-19')).toEqual(big.subarray(10, 20));
    expect((await bytesOf(Bucket, 'dir.txt')).toString()).toBe('mine');
    const { ETag } = await s3.send(new HeadObjectCommand({ Bucket, Key: 'a.txt' }));
    expect(ETag).toMatch(/^"[0-9a-f]{32}-1"$/);
    expect((await ask(vaultaire, 'GET', `${containers}/${Bucket}`)).body.usage).toMatchObject({
      bytes: big.length + 9,
      artifacts: 4,
    });

    await s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/dir/big` }));
    await s3.send(new PutObjectCommand({ Bucket, Key: 'a.txt', Body: 'second' }));
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'dir/big' }));
    expect((await bytesOf(Bucket, 'a.txt')).toString()).toBe('second');
    expect((await bytesOf(Bucket, 'copy')).equals(big)).toBe(true);
    expect(readFileSync(join(folder, 'a.txt'), 'utf8')).toBe('first');

    writeFileSync(join(folder, 'dir/big'), 'other bytes');
    expect(await refusalOf(bytesOf(Bucket, 'copy'))).toMatchObject({ status: 500 });
    await remove(Bucket);
    expect(readFileSync(join(folder, 'dir/big'), 'utf8')).toBe('other bytes');
    expect(readFileSync(join(folder, 'dir.txt'), 'utf8')).toBe('beside');
  }, 30_000);

  it('serves the objects of a bucket as they are, goes on where it was broken off, and deletes nothing', async () => {
    const Bucket = 'from-bucket';
    await s3.send(new CreateBucketCommand({ Bucket }));
    const before = [...simulator.store.objects.keys()];
    let heads = 0;
    simulator.faults = ({ operation }) => {
      if (operation === 'HeadObject') heads += 1;
      return heads > 150 ? { do: 'answer', status: 403, code: 'AccessDenied' } : undefined;
    };
    const broken = await attach(Bucket, 'old-bucket');
    expect(broken).toMatchObject({ state: 'failed', progress: { indexedKeys: 100 } });
    simulator.faults = () => undefined;
    const seenBefore = simulator.seen.length;
    const job = await attach(Bucket, 'old-bucket');
    expect(job).toMatchObject({ state: 'done', progress: { indexedKeys: OBJECTS, skippedKeys: 0 } });
    const asked = simulator.seen.slice(seenBefore).filter(({ operation }) => operation === 'HeadObject');
    expect(asked).toHaveLength(OBJECTS - 100);

    const { KeyCount } = await s3.send(new ListObjectsV2Command({ Bucket }));
    expect(KeyCount).toBe(OBJECTS);
    for (const index of [0, 99, 100, OBJECTS - 1]) {
      const stored = simulator.store.objects.get(`old/${keyOf(index)}`);
      const head = await s3.send(new HeadObjectCommand({ Bucket, Key: keyOf(index) }));
      expect(head).toMatchObject({
        ETag: `"${stored?.etag ?? ''}"`,
        ContentType: 'image/jpeg',
        Metadata: { number: String(index) },
        ContentLength: stored?.bytes.length,
      });
      expect((await bytesOf(Bucket, keyOf(index))).toString()).toBe(`bytes of ${index}`);
    }
    expect((await bytesOf(Bucket, keyOf(7), 'bytes=0-4')).toString()).toBe('bytes');
    await until('reads of the source are in the metrics of drivers', async () => {
      const metrics = await (await fetch(`${vaultaire.adminEndpoint}/metrics`)).text();
      return metrics.includes('driver="old-bucket"');
    });
    await s3.send(new PutObjectCommand({ Bucket, Key: keyOf(1), Body: 'new' }));
    await s3.send(new DeleteObjectCommand({ Bucket, Key: keyOf(2) }));
    await remove(Bucket);
    expect([...simulator.store.objects.keys()]).toEqual(before);
    expect(new Set(simulator.operations())).toEqual(new Set(['ListObjectsV2', 'HeadObject', 'GetObject']));
  }, 30_000);

  describe('that is ended', () => {
    const path = (name: string): string => join(folder, name);

    beforeEach(() => {
      rmSync(folder, { recursive: true });
      mkdirSync(path('dir'), { recursive: true });
      for (const name of ['a', 'b', 'dir/c', 'dir/empty']) writeFileSync(path(name), name === 'dir/empty' ? '' : name);
    });

    it('brings back no key that a client deleted, and forgets the source when it is detached', async () => {
      const Bucket = 'detached';
      await s3.send(new CreateBucketCommand({ Bucket }));
      await attach(Bucket, 'files');
      const list = `${containers}/${Bucket}/attachments`;
      expect((await ask(vaultaire, 'GET', list)).body.items).toEqual([
        {
          source: 'files',
          state: 'attached',
          deletesForeignData: false,
          indexedKeys: 4,
          indexedBytes: 7,
          skippedKeys: 0,
        },
      ]);
      await s3.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
      await s3.send(new PutObjectCommand({ Bucket, Key: 'b', Body: 'mine' }));
      writeFileSync(path('new'), 'new');
      expect(await attach(Bucket, 'files')).toMatchObject({ state: 'done', progress: { indexedKeys: 5 } });
      expect(await keysOf(Bucket)).toEqual(['b', 'dir/c', 'dir/empty', 'new']);

      const job = await detach(Bucket, 'files');
      expect(job).toMatchObject({ state: 'done', progress: { versionsRemoved: 3, bytesRemoved: 8 } });
      expect(await keysOf(Bucket)).toEqual(['b']);
      expect((await bytesOf(Bucket, 'b')).toString()).toBe('mine');
      expect((await ask(vaultaire, 'GET', list)).body.items).toEqual([]);
      expect((await ask(vaultaire, 'DELETE', `${list}/files`)).status).toBe(404);
      await attach(Bucket, 'files');
      expect(await keysOf(Bucket)).toEqual(['a', 'b', 'dir/c', 'dir/empty', 'new']);
      await detach(Bucket, 'files');
      expect(['a', 'b', 'dir/c', 'dir/empty', 'new'].every((name) => existsSync(path(name)))).toBe(true);
    }, 30_000);

    it('deletes objects only where it is said, and none that has changed or that something else is made of', async () => {
      const Bucket = 'deleting';
      await s3.send(new CreateBucketCommand({ Bucket }));
      await s3.send(new CreateBucketCommand({ Bucket: 'beside' }));
      expect((await attach(Bucket, 'files')).state).toBe('done');
      const option = { body: { source: 'files', deleteForeignData: true } };
      expect((await ask(vaultaire, 'POST', `${containers}/${Bucket}/attach`, option)).status).toBe(409);
      await detach(Bucket, 'files');
      await attach(Bucket, 'files', { deleteForeignData: true });
      await s3.send(new CopyObjectCommand({ Bucket: 'beside', Key: 'copy', CopySource: `${Bucket}/b` }));
      writeFileSync(path('dir/c'), 'changed');
      for (const Key of ['a', 'b', 'dir/c', 'dir/empty']) await s3.send(new DeleteObjectCommand({ Bucket, Key }));
      await until(
        'what was deleted is deleted at the source',
        () => !existsSync(path('a')) && !existsSync(path('dir/empty')),
      );
      expect([readFileSync(path('b'), 'utf8'), readFileSync(path('dir/c'), 'utf8')]).toEqual(['b', 'changed']);
      expect((await bytesOf('beside', 'copy')).toString()).toBe('b');
      await s3.send(new DeleteObjectCommand({ Bucket: 'beside', Key: 'copy' }));
      writeFileSync(path('later'), 'later');
      await attach(Bucket, 'files', { deleteForeignData: true });
      expect(await keysOf(Bucket)).toEqual(['later']);
      const detached = await detach(Bucket, 'files', '?deleteForeignData=true');
      expect(detached).toMatchObject({ state: 'done', progress: { versionsRemoved: 1, objectsWaiting: 0 } });
      expect(['b', 'later'].some((name) => existsSync(path(name)))).toBe(false);
    }, 30_000);

    it('deletes the objects when an operator empties the container with them, and tells what the source refused', async () => {
      const Bucket = 'with-objects';
      await s3.send(new CreateBucketCommand({ Bucket }));
      await attach(Bucket, 'old-bucket');
      const body = { name: 'no-operator', role: 'tenant-admin', tenant: 'default' };
      const { token } = (await ask(vaultaire, 'POST', '/api/v1/tokens', { body })).body;
      const all = { body: { deleteForeignData: true } };
      expect((await ask(vaultaire, 'POST', `${containers}/${Bucket}/empty`, { ...all, token })).status).toBe(403);
      simulator.faults = ({ operation, target }) =>
        operation === 'DeleteObject' && target.includes('/0005')
          ? { do: 'answer', status: 403, code: 'AccessDenied' }
          : undefined;
      const emptied = await finished(await ask(vaultaire, 'POST', `${containers}/${Bucket}/empty`, all));
      expect(emptied).toMatchObject({ state: 'failed', progress: { versionsRemoved: OBJECTS, objectsWaiting: 1 } });
      expect([...simulator.store.objects.keys()]).toEqual([`old/${keyOf(5)}`]);
    }, 30_000);
  });

  it('shows sources among the drivers, and how they are', async () => {
    const { body } = await ask(vaultaire, 'GET', '/api/v1/drivers/old-bucket');
    expect(body).toMatchObject({ type: 's3', isAttachable: true, isDefault: false, health: { isHealthy: true } });
    rmSync(folder, { recursive: true });
    const { items } = (await ask(vaultaire, 'GET', '/api/v1/drivers')).body;
    expect(items).toMatchObject([
      { isAttachable: false },
      { name: 'files', type: 'local', isAttachable: true, health: { isHealthy: false, reason: 'the folder is away' } },
      { name: 'old-bucket' },
    ]);
    mkdirSync(folder);
  });

  it('refuses sources that are not configured, and callers that are no operators', async () => {
    await s3.send(new CreateBucketCommand({ Bucket: 'refused' }));
    const path = `${containers}/refused/attach`;
    expect((await ask(vaultaire, 'POST', path, { body: { source: 'local' } })).status).toBe(400);
    const body = { name: 'of-tenant', role: 'tenant-admin', tenant: 'default' };
    const { token } = (await ask(vaultaire, 'POST', '/api/v1/tokens', { body })).body;
    expect((await ask(vaultaire, 'POST', path, { token, body: { source: 'files' } })).status).toBe(403);
    const detaching = `${containers}/refused/attachments/files`;
    expect((await ask(vaultaire, 'DELETE', detaching, { token })).status).toBe(403);
  });
});
