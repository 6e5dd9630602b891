import type { S3Client } from '@aws-sdk/client-s3';
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { createHash, randomBytes } from 'node:crypto';
import { ask } from '../support/admin-requests';
import type { AdminAnswer } from '../support/admin-requests';
import type { MirroredVaultaire } from '../support/mirrored-vaultaire';
import { blobsOn, OUTAGE, startMirrored } from '../support/mirrored-vaultaire';
import { until } from '../support/until';

jest.setTimeout(60_000);

const KIB = 1024;
const OBJECTS = 30;
const Bucket = 'moved';

/** The tests follow each other: what one moved the next one verifies. */
describe('jobs that go through a driver', () => {
  const placements: Record<'default', object> = { default: { drivers: ['one'] } };
  let mirrored: MirroredVaultaire;
  let s3: S3Client;
  const bodies = new Map<string, Buffer>();

  beforeAll(async () => {
    mirrored = await startMirrored({ placements });
    s3 = mirrored.vaultaire.s3Client();
    await s3.send(new CreateBucketCommand({ Bucket }));
  }, 60_000);
  afterAll(async () => {
    await mirrored.stop();
  }, 60_000);

  const api = (method: string, path: string, body?: object): Promise<AdminAnswer> =>
    ask(mirrored.vaultaire, method, `/api/v1${path}`, body === undefined ? {} : { body });
  const put = async (Key: string): Promise<void> => {
    const body = randomBytes(64 * KIB);
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: body }));
    bodies.set(Key, body);
  };
  const checkAll = async (): Promise<void> => {
    for (const [Key, body] of bodies) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
      expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(body)).toBe(true);
    }
  };
  const ended = async (id: string): Promise<AdminAnswer['body']> => {
    await until('the job is over', async () => {
      const { state } = (await api('GET', `/jobs/${id}`)).body;
      return state !== 'queued' && state !== 'running';
    });
    return (await api('GET', `/jobs/${id}`)).body;
  };

  it('refuses to empty a driver that placements name, and one that there is not', async () => {
    for (let index = 0; index < OBJECTS; index += 1) await put(`object ${index}`);
    const parts = [randomBytes(5 * KIB * KIB), randomBytes(100)];
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'parts' }));
    const Parts = [];
    for (const [index, Body] of parts.entries()) {
      const PartNumber = index + 1;
      const { ETag } = await s3.send(new UploadPartCommand({ Bucket, Key: 'parts', UploadId, PartNumber, Body }));
      Parts.push({ PartNumber, ETag });
    }
    await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key: 'parts', UploadId, MultipartUpload: { Parts } }));
    bodies.set('parts', Buffer.concat(parts));
    expect((await api('POST', '/drivers/one/drain', {})).status).toBe(409);
    expect((await api('POST', '/drivers/none/drain', {})).status).toBe(404);
    expect((await api('POST', '/drivers/one/drain', { to: 'none' })).status).toBe(404);
  });

  it('empties a driver while clients read and write, and goes on after a kill', async () => {
    const { vaultaire, one, two } = mirrored;
    placements.default = { drivers: ['two', 'three'], quorum: 1 };
    await vaultaire.terminate();
    await vaultaire.start();
    s3 = vaultaire.s3Client();
    two.quirks = { ...two.quirks, latencyMs: 30 };
    const { body: job, status } = await api('POST', '/drivers/one/drain', {});
    expect(status).toBe(202);
    await until('some blobs are moved', async () => {
      return Number((await api('GET', `/jobs/${String(job.id)}`)).body.progress.blobsMoved ?? 0) >= 4;
    });
    await vaultaire.kill9();
    two.quirks = { ...two.quirks, latencyMs: 0 };
    await vaultaire.start();
    s3 = vaultaire.s3Client();
    await put('object 0');
    await checkAll();
    expect(await ended(String(job.id))).toMatchObject({ state: 'done', progress: { blobsTotal: OBJECTS + 2 } });
    // Before the outage: a removal that fails is tried again only 30 seconds later.
    await until('the driver is empty', () => blobsOn(one).length === 0);
    one.faults = OUTAGE;
    await checkAll();
    one.faults = () => undefined;
  });

  it('finds what is missing and damaged, and has it made again', async () => {
    const { two, three } = mirrored;
    await until('all copies are there', () => blobsOn(three).length === OBJECTS + 2);
    const [missing = '', damaged = ''] = blobsOn(three);
    three.store.objects.delete(missing);
    const object = three.store.objects.get(damaged);
    if (object === undefined) throw new Error('there is no copy');
    const good = object.bytes;
    const bytes = Buffer.from(good);
    bytes[7] = (bytes[7] ?? 0) ^ 1;
    three.store.objects.set(damaged, { ...object, bytes, crc32: undefined });
    const { body: job } = await api('POST', '/drivers/three/verify', { bytesPerSecond: 100_000_000 });
    const { state, progress } = await ended(String(job.id));
    expect({ state, progress }).toMatchObject({
      state: 'done',
      progress: { blobsChecked: OBJECTS + 2, blobsMissing: 1, blobsCorrupt: 1, lostBlobIds: [] },
    });
    const digest = (held: Buffer | undefined): string =>
      createHash('md5')
        .update(held ?? '')
        .digest('hex');
    await until('both are made again', () => {
      const { objects } = three.store;
      return objects.has(missing) && digest(objects.get(damaged)?.bytes) === digest(good);
    });
    two.faults = OUTAGE;
    // Their bytes are there a moment before their rows say so.
    await until('all can be read', () =>
      checkAll().then(
        () => true,
        () => false,
      ),
    );
    await checkAll();
    two.faults = () => undefined;
  });

  it('names blobs that have no whole copy', async () => {
    const { two, three } = mirrored;
    const [lost = ''] = blobsOn(two);
    two.store.objects.delete(lost);
    three.store.objects.delete(lost);
    for (const driver of ['two', 'three']) {
      const { body: job } = await api('POST', `/drivers/${driver}/verify`, {});
      const { state, progress } = await ended(String(job.id));
      const isLast = driver === 'three';
      expect(state).toBe(isLast ? 'failed' : 'done');
      expect(progress.lostBlobIds).toEqual(isLast ? [lost.slice(lost.lastIndexOf('/') + 1)] : []);
    }
  });
});
