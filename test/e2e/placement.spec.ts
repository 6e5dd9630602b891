import type { S3Client } from '@aws-sdk/client-s3';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { createHash, randomBytes } from 'node:crypto';
import { ask } from '../support/admin-requests';
import type { AdminAnswer } from '../support/admin-requests';
import type { MirroredVaultaire } from '../support/mirrored-vaultaire';
import { blobsOn, OUTAGE, startMirrored } from '../support/mirrored-vaultaire';
import { until } from '../support/until';

const CONFIG = {
  placements: {
    default: { driver: 'one' },
    mirrored: { drivers: ['one', 'two'], quorum: 1 },
    strict: { drivers: ['one', 'two'] },
    spare: { drivers: ['one', 'two', 'three'], copies: 1 },
    video: { driver: 'three' },
    cooling: { driver: 'one', tier: { afterDays: 1, to: 'cold' } },
    cold: { driver: 'two', backup: ['three'] },
    backed: { driver: 'one', backup: ['three'] },
  },
  storageClasses: { MIRRORED: 'mirrored', STRICT: 'strict', SPARE: 'spare', BACKED: 'backed', COOLING: 'cooling' },
  placementRules: [{ contentTypes: ['video/*'], placement: 'video' }],
};
const KIB = 1024;

jest.setTimeout(30_000);

describe('placement', () => {
  let mirrored: MirroredVaultaire;
  let s3: S3Client;
  const Bucket = 'placed';
  const body = randomBytes(300 * KIB);

  beforeAll(async () => {
    mirrored = await startMirrored(CONFIG, { env: { VAULTAIRE_LIFECYCLE_DAY_SECONDS: '1' } });
    s3 = mirrored.vaultaire.s3Client();
    await s3.send(new CreateBucketCommand({ Bucket }));
  }, 60_000);
  afterAll(async () => {
    await mirrored.stop();
  }, 60_000);
  beforeEach(async () => {
    const { one, two, three } = mirrored;
    for (const simulator of [one, two, three]) {
      simulator.faults = () => undefined;
      simulator.store.objects.clear();
    }
    // Cut off by the outage of the test before, until a probe went well.
    await until('all drivers are well', async () => {
      const answer = await fetch(`${mirrored.vaultaire.adminEndpoint}/health/ready`);
      return answer.ok;
    });
  });

  const put = (Key: string, StorageClass: string, more: object = {}) =>
    s3.send(new PutObjectCommand({ Bucket, Key, Body: body, StorageClass: StorageClass as 'STANDARD', ...more }));
  const get = async (Key: string, Range?: string): Promise<Buffer> => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, Range }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  };
  const refusalOf = async (request: Promise<unknown>): Promise<object> => {
    try {
      await request;
    } catch (error) {
      if (!(error instanceof S3ServiceException)) throw error;
      return {
        code: error.name,
        status: error.$metadata.httpStatusCode,
        retryAfter: Number(error.$response?.headers['retry-after'] ?? 0) > 0,
      };
    }
    return {};
  };
  const UNAVAILABLE = { code: 'ServiceUnavailable', status: 503, retryAfter: true };

  it('follows the storage class, tells it again, and refuses one that there is not', async () => {
    await put('standard', 'STANDARD');
    expect([mirrored.one, mirrored.two].map((simulator) => blobsOn(simulator).length)).toEqual([1, 0]);
    await put('mirrored', 'MIRRORED');
    expect([mirrored.one, mirrored.two].map((simulator) => blobsOn(simulator).length)).toEqual([2, 1]);
    const listed = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'mirrored' }));
    expect(listed.Contents).toMatchObject([{ StorageClass: 'MIRRORED' }]);
    const unknown = { code: 'InvalidStorageClass', status: 400, retryAfter: false };
    expect(await refusalOf(put('unknown', 'UNKNOWN'))).toEqual(unknown);
    const upload = new CreateMultipartUploadCommand({ Bucket, Key: 'u', StorageClass: 'UNKNOWN' as 'STANDARD' });
    expect(await refusalOf(s3.send(upload))).toEqual(unknown);
    const copy = { Bucket, Key: 'c', CopySource: `${Bucket}/standard`, StorageClass: 'UNKNOWN' as 'STANDARD' };
    expect(await refusalOf(s3.send(new CopyObjectCommand(copy)))).toEqual(unknown);
  });

  it('follows rules before the storage class', async () => {
    await put('film', 'MIRRORED', { ContentType: 'video/mp4' });
    expect([mirrored.one, mirrored.two, mirrored.three].map((simulator) => blobsOn(simulator).length)).toEqual([
      0, 0, 1,
    ]);
    expect((await get('film')).equals(body)).toBe(true);
  });

  it('moves the bytes of a copy only when its placement is another', async () => {
    await put('source', 'STANDARD');
    const copyTo = (Key: string, StorageClass: string) =>
      s3.send(
        new CopyObjectCommand({
          Bucket,
          Key,
          CopySource: `${Bucket}/source`,
          StorageClass: StorageClass as 'STANDARD',
        }),
      );
    await copyTo('same', 'GLACIER_IR');
    expect([mirrored.one, mirrored.two].map((simulator) => blobsOn(simulator).length)).toEqual([1, 0]);
    const { CopyObjectResult } = await copyTo('other', 'STRICT');
    expect([mirrored.one, mirrored.two].map((simulator) => blobsOn(simulator).length)).toEqual([2, 1]);
    expect(CopyObjectResult?.ETag).toBe(`"${createHash('md5').update(body).digest('hex')}"`);
    expect((await get('other')).equals(body)).toBe(true);
  });

  it('acknowledges a write that has its quorum, and reads it whichever backend is away', async () => {
    await put('both', 'MIRRORED');
    mirrored.one.faults = OUTAGE;
    expect((await get('both')).equals(body)).toBe(true);
    expect((await get('both', 'bytes=1000-200000')).equals(body.subarray(1000, 200_001))).toBe(true);
    await put('second only', 'MIRRORED');
    expect((await get('second only')).equals(body)).toBe(true);
  });

  it('refuses with 503 and keeps nothing when the quorum can not be reached', async () => {
    await put('old', 'STRICT');
    const before = [blobsOn(mirrored.one), blobsOn(mirrored.two)];
    mirrored.two.faults = OUTAGE;
    expect(await refusalOf(put('old', 'STRICT'))).toEqual(UNAVAILABLE);
    expect((await get('old')).equals(body)).toBe(true);
    mirrored.two.faults = () => undefined;
    await until('nothing of the refused write is left', () => {
      return [blobsOn(mirrored.one), blobsOn(mirrored.two)].join() === before.join();
    });
  });

  it('writes to the next driver when one is away, and answers 503 when all are', async () => {
    mirrored.one.faults = OUTAGE;
    await put('spare', 'SPARE');
    expect(blobsOn(mirrored.two)).toHaveLength(1);
    mirrored.two.faults = OUTAGE;
    mirrored.three.faults = OUTAGE;
    expect(await refusalOf(put('nowhere', 'SPARE'))).toEqual(UNAVAILABLE);
    expect(await refusalOf(get('spare'))).toEqual(UNAVAILABLE);
    mirrored.one.faults = () => undefined;
    mirrored.two.faults = () => undefined;
    expect((await get('spare')).equals(body)).toBe(true);
    expect(await refusalOf(get('nowhere'))).toMatchObject({ status: 404 });
  });

  it('goes on with the other copy where a body breaks', async () => {
    await put('breaks', 'MIRRORED');
    mirrored.one.failNext('GetObject', { do: 'reset-body', afterBytes: 100_000 });
    expect((await get('breaks')).equals(body)).toBe(true);
    mirrored.one.failNext('GetObject', { do: 'truncate-body', afterBytes: 150_000 });
    expect((await get('breaks', 'bytes=5-299999')).equals(body.subarray(5, 300_000))).toBe(true);
  });

  it.each([
    ['the first copy had sent other bytes', 'one', 1_000],
    ['the other copy has other bytes', 'two', 299_000],
  ] as const)('ends no body well that is put together of two where %s', async (_, where, position) => {
    await put('patched', 'MIRRORED');
    const { store } = mirrored[where];
    const [key, object] = [...store.objects].at(-1) ?? ['', undefined];
    if (object === undefined) throw new Error('there is no copy');
    const bytes = Buffer.from(object.bytes);
    bytes.writeUInt8(bytes.readUInt8(position) ^ 1, position);
    store.objects.set(key, { ...object, bytes, crc32: undefined });
    mirrored.one.failNext('GetObject', { do: 'reset-body', afterBytes: 100_000 });
    await expect(get('patched')).rejects.toThrow();
    await until('the bad copy is made again', () => store.objects.get(key)?.bytes.equals(body) === true);
    expect((await get('patched')).equals(body)).toBe(true);
  });

  it('answers 503, not 404, where one copy is lost and the other out of reach', async () => {
    await put('lost', 'MIRRORED');
    mirrored.one.store.objects.clear();
    mirrored.two.faults = OUTAGE;
    expect(await refusalOf(get('lost'))).toEqual(UNAVAILABLE);
    mirrored.two.faults = () => undefined;
    expect((await get('lost')).equals(body)).toBe(true);
  });

  it('makes the copy that a write had to do without as soon as the backend is back', async () => {
    mirrored.one.faults = OUTAGE;
    await put('late', 'MIRRORED');
    mirrored.one.faults = () => undefined;
    await until('the copy is made', () => blobsOn(mirrored.one).length === 1);
    expect(blobsOn(mirrored.one)).toEqual(blobsOn(mirrored.two));
    mirrored.two.faults = OUTAGE;
    expect((await get('late')).equals(body)).toBe(true);
  });

  it('leaves nothing of an object that is deleted while a copy of it is made', async () => {
    const { one, two } = mirrored;
    one.faults = OUTAGE;
    await put('short-lived', 'MIRRORED');
    let isMaking = false;
    one.faults = ({ operation }) => {
      if (operation !== 'PutObject') return undefined;
      isMaking = true;
      return { do: 'delay', ms: 500 };
    };
    await until('the copy is being made', () => isMaking);
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'short-lived' }));
    one.faults = () => undefined;
    await until('both copies are gone', () => blobsOn(one).length + blobsOn(two).length === 0);
  });

  it('makes lost and damaged copies again when a read finds them', async () => {
    const { one, two } = mirrored;
    await put('lost', 'MIRRORED');
    one.store.objects.clear();
    expect((await get('lost')).equals(body)).toBe(true);
    await until('the lost copy is made', () => blobsOn(one).length === 1);
    await put('damaged', 'MIRRORED');
    const [key, object] = [...one.store.objects].at(-1) ?? ['', undefined];
    if (object === undefined) throw new Error('there is no copy');
    one.store.objects.set(key, { ...object, bytes: object.bytes.subarray(1), crc32: undefined });
    expect((await get('damaged')).equals(body)).toBe(true);
    await until('the damaged copy is made again', () => one.store.objects.get(key)?.bytes.length === body.length);
    two.faults = OUTAGE;
    // Its bytes are there a moment before its row says so.
    const isRead = (): Promise<boolean> =>
      get('damaged').then(
        (bytes) => bytes.equals(body),
        () => false,
      );
    await until('the copy that was made is read', isRead);
  });

  it('gives back no copy whose digest is not what was stored', async () => {
    const { one, two } = mirrored;
    await put('damaged', 'MIRRORED');
    const [[key, object] = ['', undefined]] = two.store.objects;
    if (object === undefined) throw new Error('there is no copy');
    const damaged = Buffer.from(object.bytes);
    damaged[7] = (damaged[7] ?? 0) ^ 1;
    two.store.objects.set(key, { ...object, bytes: damaged, crc32: undefined });
    one.faults = OUTAGE;
    await expect(get('damaged')).rejects.toThrow();
    one.faults = () => undefined;
    expect((await get('damaged')).equals(body)).toBe(true);
  });

  it('makes backups after the answer, and reads them when nothing else is there', async () => {
    const { one, three } = mirrored;
    three.faults = OUTAGE;
    await put('backed', 'BACKED');
    expect(blobsOn(three)).toEqual([]);
    three.faults = () => undefined;
    await until('the backup is made', () => blobsOn(three).length === 1);
    one.faults = OUTAGE;
    expect((await get('backed')).equals(body)).toBe(true);
    one.faults = () => undefined;
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'backed' }));
    await until('the backup is gone', () => blobsOn(three).length === 0);
  });

  it('moves what has become old to the placement that is named', async () => {
    const { one, two, three } = mirrored;
    await put('old', 'COOLING');
    await until('it is moved, with its backup', () => {
      return [one, two, three].map((simulator) => blobsOn(simulator).length).join() === '0,1,1';
    });
    one.faults = OUTAGE;
    expect((await get('old')).equals(body)).toBe(true);
  });

  it('removes all copies of what is deleted, also from a backend that was away', async () => {
    await put('deleted', 'MIRRORED');
    mirrored.two.faults = OUTAGE;
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'deleted' }));
    await until('the copy within reach is gone', () => blobsOn(mirrored.one).length === 0);
    expect(blobsOn(mirrored.two)).toHaveLength(1);
  });

  describe('by settings of the admin API', () => {
    const api = '/api/v1/tenants/default';
    const admin = (method: string, path: string, body: object, headers = {}): Promise<AdminAnswer> =>
      ask(mirrored.vaultaire, method, path, { body, headers });
    const revisionOf = async (path: string): Promise<{ 'If-Match': string }> => {
      const { headers } = await ask(mirrored.vaultaire, 'GET', path);
      return { 'If-Match': headers.get('etag') ?? '' };
    };
    const change = async (path: string, body: object): Promise<AdminAnswer> => {
      return admin('PATCH', path, body, await revisionOf(path));
    };
    const blobs = (): number[] =>
      [mirrored.one, mirrored.two, mirrored.three].map((simulator) => blobsOn(simulator).length);
    /** Other workers hear of a change a moment later. */
    const untilWrittenTo = (expected: string, StorageClass = 'STANDARD', more: object = {}): Promise<void> =>
      until(`writes are ${expected}`, async () => {
        const before = blobs();
        // A class that is new is refused until it is heard of.
        await put('settled', StorageClass, more).catch(() => undefined);
        return (
          blobs()
            .map((count, index) => count - (before[index] ?? 0))
            .join() === expected
        );
      });

    it('follows the container, then the tenant, then its plan', async () => {
      const { status } = await admin('POST', '/api/v1/plans', { name: 'spared', policy: { placement: 'mirrored' } });
      expect(status).toBe(201);
      expect((await change(api, { plan: 'spared' })).status).toBe(200);
      await untilWrittenTo('1,1,0');
      expect((await change(api, { policy: { placement: 'video' } })).body.policy).toEqual({ placement: 'video' });
      await untilWrittenTo('0,0,1');
      const changed = await change(`${api}/containers/${Bucket}`, { placement: 'strict' });
      expect([changed.status, changed.body.placement]).toEqual([200, 'strict']);
      await untilWrittenTo('1,1,0');
      await untilWrittenTo('1,0,0', 'SPARE');
      await until('the event log has the placements', async () => {
        const { body } = await ask(mirrored.vaultaire, 'GET', '/api/v1/events?operation=PutObject&limit=1000');
        const seen = new Set(body.items.map(({ placement }: { placement?: string }) => placement));
        return ['mirrored', 'video', 'strict', 'spare'].every((name) => seen.has(name));
      });
      await until('a copy goes where writes go now', async () => {
        const [one = 0, two = 0] = blobs();
        await s3.send(new CopyObjectCommand({ Bucket, Key: 'moved', CopySource: `${Bucket}/settled` }));
        const after = blobs();
        return after[0] === one + 1 && after[1] === two + 1;
      });
      expect((await change(`${api}/containers/${Bucket}`, { placement: null })).body.placement).toBeUndefined();
      await change(api, { plan: null, policy: {} });
      await untilWrittenTo('1,0,0');
    });

    it('follows placements that are defined meanwhile, and that change', async () => {
      const defined = { name: 'defined', drivers: ['three', 'two'], copies: 1 };
      const created = await admin('POST', '/api/v1/placements', defined);
      expect([created.status, created.body]).toEqual([
        201,
        { ...defined, quorum: 1, backup: [], source: 'api', revision: '1' },
      ]);
      const path = '/api/v1/placements/defined';
      await change(`${api}/containers/${Bucket}`, { placement: 'defined' });
      await untilWrittenTo('0,0,1');
      const replaced = await admin('PUT', path, { drivers: ['one', 'two'] }, await revisionOf(path));
      expect(replaced.body).toMatchObject({ copies: 2, quorum: 2, revision: '2' });
      await untilWrittenTo('1,1,0');
      const used = await ask(mirrored.vaultaire, 'DELETE', path);
      expect([used.status, used.body.detail]).toEqual([409, expect.stringContaining('default/placed')]);
      await change(`${api}/containers/${Bucket}`, { placement: null });
      await untilWrittenTo('1,0,0');
      expect((await ask(mirrored.vaultaire, 'DELETE', path)).status).toBe(204);
      expect((await ask(mirrored.vaultaire, 'GET', path)).status).toBe(404);
      const { items } = (await ask(mirrored.vaultaire, 'GET', '/api/v1/placements')).body;
      expect(items).toContainEqual({
        name: 'strict',
        drivers: ['one', 'two'],
        copies: 2,
        quorum: 2,
        backup: [],
        source: 'file',
      });
    });

    it('follows storage classes and rules that are set meanwhile', async () => {
      const path = '/api/v1/placement-policy';
      const set = async (policy: object): Promise<AdminAnswer> => admin('PUT', path, policy, await revisionOf(path));
      const policy = {
        storageClasses: { LATER: 'strict' },
        rules: [{ minBytes: 300 * KIB, contentTypes: ['audio/*'], placement: 'video' }],
      };
      const answer = await set(policy);
      expect([answer.status, answer.body]).toEqual([200, expect.objectContaining(policy)]);
      expect(answer.body.file.storageClasses).toMatchObject({ SPARE: 'spare' });
      await untilWrittenTo('1,1,0', 'LATER');
      await untilWrittenTo('0,0,1', 'LATER', { ContentType: 'audio/ogg' });
      const refused = await set({ storageClasses: { SPARE: 'video', low: 'video', MORE: 'nowhere' }, rules: [] });
      expect(refused.body.errors.map(({ field }: { field: string }) => field)).toEqual([
        'storageClasses.SPARE',
        'storageClasses.low',
        'storageClasses.MORE',
      ]);
      expect((await set({ storageClasses: {}, rules: [{ placement: 'nowhere' }] })).status).toBe(400);
      expect((await set({ storageClasses: {}, rules: [] })).status).toBe(200);
    });

    it('refuses placements that contradict themselves, the configuration, or others', async () => {
      const define = (more: object): Promise<AdminAnswer> =>
        admin('POST', '/api/v1/placements', { name: 'refused', drivers: ['one'], ...more });
      for (const [more, status, problem] of [
        [{ name: 'strict' }, 409, { detail: 'There is a placement strict already' }],
        [
          { drivers: ['nine'] },
          400,
          { errors: [{ field: 'drivers', message: 'drivers: there is no driver named nine' }] },
        ],
        [{ quorum: 2 }, 400, { errors: [{ field: 'quorum', message: 'quorum: 2 is more than the 1 copies' }] }],
        [{ tier: { afterDays: 1, to: 'none' } }, 400, { errors: [{ field: 'tier.to' }] }],
        [{ drivers: [] }, 400, {}],
      ] as const) {
        const answer = await define(more);
        expect([answer.status, answer.body]).toEqual([status, expect.objectContaining({ status })]);
        expect(answer.body).toMatchObject(problem);
      }
      const headers = { 'If-Match': '"1"' };
      expect((await admin('PUT', '/api/v1/placements/strict', { drivers: ['one'] }, headers)).status).toBe(409);
      expect((await ask(mirrored.vaultaire, 'DELETE', '/api/v1/placements/strict')).status).toBe(409);
    });

    it('refuses names that there are not, who is no operator, and what was changed meanwhile', async () => {
      const path = `${api}/containers/${Bucket}`;
      const unknown = await change(path, { placement: 'nowhere' });
      expect([unknown.status, unknown.body.errors]).toEqual([
        400,
        [
          {
            field: 'placement',
            message: expect.stringMatching(/no placement nowhere; there are backed, cold, .*video/),
          },
        ],
      ]);
      const policy = { placement: 'nowhere' };
      for (const refused of [
        await change(api, { policy }),
        await admin('POST', '/api/v1/plans', { name: 'nowhere', policy }),
        await admin('POST', '/api/v1/tenants', { name: 'nowhere', policy }),
      ]) {
        expect([refused.status, refused.body.errors?.[0].field]).toEqual([400, 'policy.placement']);
      }
      expect((await admin('PATCH', path, { placement: 'video' }, { 'If-Match': '"0"' })).status).toBe(412);
      const body = { name: 'their-own', role: 'tenant-admin', tenant: 'default' };
      const { token } = (await admin('POST', '/api/v1/tokens', body)).body;
      const request = { token, headers: await revisionOf(path), body: { placement: 'video' } };
      expect((await ask(mirrored.vaultaire, 'PATCH', path, request)).status).toBe(403);
    });
  });
});
