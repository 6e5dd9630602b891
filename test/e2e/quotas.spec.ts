import type { S3Client } from '@aws-sdk/client-s3';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { randomBytes } from 'node:crypto';
import { Quotas } from '../support/quotas';
import { StoredState } from '../support/stored-state';
import { codeOf, refusalOf } from './raw-answer';
import { textOf, useS3 } from './s3-suite';
import { presignedPut } from './wire/presigned-target';
import { RawConnection } from './wire/raw-connection';

const REFUSED = { code: 'QuotaExceeded', status: 403 };
const MIN_PART_BYTES = 5 * 1024 * 1024;

jest.setTimeout(30_000);

describe('hard quotas', () => {
  const suite = useS3({ workers: 2, config: { engine: { doomedGraceSeconds: 1, sweepIntervalSeconds: 1 } } });
  let quotas: Quotas;

  beforeAll(async () => {
    quotas = await Quotas.of(suite.vaultaire);
  });

  afterEach(async () => {
    expect(await quotas.drift()).toEqual([]);
    await quotas.ofTenant({});
  });

  afterAll(async () => {
    await quotas.close();
  });

  function put(Bucket: string, Key: string, sizeBytes: number, s3: S3Client = suite.s3): Promise<unknown> {
    return s3.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.alloc(sizeBytes, 'x') }));
  }

  /** Each with a connection of its own, so that both processes get some. Counts those that were let in. */
  async function countAccepted(requests: readonly ((s3: S3Client) => Promise<unknown>)[]): Promise<number> {
    const clients = requests.map(() => suite.vaultaire.s3Client());
    const codes = await Promise.all(
      requests.map(async (request, at) => {
        try {
          await request(clients[at] ?? suite.s3);
          return 'ok';
        } catch (error) {
          return codeOf(error);
        }
      }),
    );
    for (const client of clients) client.destroy();
    expect(new Set(codes.filter((code) => code !== 'ok'))).toEqual(new Set(['QuotaExceeded']));
    return codes.filter((code) => code === 'ok').length;
  }

  /** So much more than is held already. */
  async function roomFor(bytes: number): Promise<void> {
    await quotas.ofTenant({ bytes: { hard: (await quotas.held()).bytes + bytes } });
  }

  it('let in what fits and nothing more, whoever writes at the same time', async () => {
    const bucket = await suite.newBucket();
    await roomFor(30_000);
    const writes = Array.from({ length: 90 }, (_, at) => (s3: S3Client) => put(bucket, `k${String(at)}`, 1_000, s3));
    expect(await countAccepted(writes)).toBe(30);
    expect(await quotas.held(bucket)).toEqual({ bytes: 30_000, artifacts: 30 });
    expect(await refusalOf(put(bucket, 'one-byte', 1))).toEqual(REFUSED);
    await put(bucket, 'empty', 0);

    const { Contents = [] } = await suite.s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: 'k' }));
    await suite.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: Contents[0]?.Key }));
    await put(bucket, 'nearly', 999);
    await put(bucket, 'last', 1);
    expect(await refusalOf(put(bucket, 'one-byte', 1))).toEqual(REFUSED);
  });

  it('bound the number of objects in the same way', async () => {
    const bucket = await suite.newBucket();
    await quotas.ofTenant({ artifacts: { hard: (await quotas.held()).artifacts + 7 } });
    const writes = Array.from({ length: 30 }, (_, at) => (s3: S3Client) => put(bucket, `k${String(at)}`, 0, s3));
    expect(await countAccepted(writes)).toBe(7);
    const { Contents = [] } = await suite.s3.send(new ListObjectsV2Command({ Bucket: bucket }));
    await put(bucket, Contents[0]?.Key ?? '', 500);
    expect(await quotas.held(bucket)).toEqual({ bytes: 500, artifacts: 7 });
  });

  it('ask an overwrite for room for the difference only', async () => {
    const bucket = await suite.newBucket();
    await roomFor(10_000);
    await put(bucket, 'k', 9_000);
    await put(bucket, 'k', 10_000);
    expect(await refusalOf(put(bucket, 'k', 10_001))).toEqual(REFUSED);
    const kept = await suite.s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'k' }));
    expect(kept.ContentLength).toBe(10_000);
    await put(bucket, 'k', 10);
    await put(bucket, 'other', 9_990);
  });

  it('count every version of a versioned bucket, and no delete marker', async () => {
    const bucket = await suite.newBucket();
    const target = { Bucket: bucket, Key: 'k' };
    const versioning = (Status: 'Enabled' | 'Suspended'): Promise<unknown> =>
      suite.s3.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status } }));
    await put(bucket, 'k', 100);
    await versioning('Enabled');
    await roomFor(500);
    const { VersionId } = await suite.s3.send(new PutObjectCommand({ ...target, Body: Buffer.alloc(300) }));
    await suite.s3.send(new DeleteObjectCommand(target));
    expect(await quotas.held(bucket)).toEqual({ bytes: 400, artifacts: 2 });
    expect(await refusalOf(put(bucket, 'k', 201))).toEqual(REFUSED);
    await suite.s3.send(new DeleteObjectCommand({ ...target, VersionId }));
    await put(bucket, 'k', 201);
    expect(await quotas.held(bucket)).toEqual({ bytes: 301, artifacts: 2 });

    // The null version, not the latest, gives way.
    await versioning('Suspended');
    await put(bucket, 'k', 250);
    expect(await quotas.held(bucket)).toEqual({ bytes: 451, artifacts: 2 });
    await suite.s3.send(new DeleteObjectCommand(target));
    expect(await quotas.held(bucket)).toEqual({ bytes: 201, artifacts: 1 });
    await put(bucket, 'k', 40);
    expect(await quotas.held(bucket)).toEqual({ bytes: 241, artifacts: 2 });
  });

  it('count uploads in progress, whose abort gives back', async () => {
    const bucket = await suite.newBucket();
    const target = { Bucket: bucket, Key: 'k' };
    await roomFor(10_000);
    const { UploadId } = await suite.s3.send(new CreateMultipartUploadCommand(target));
    const part = (PartNumber: number, sizeBytes: number): Promise<unknown> =>
      suite.s3.send(new UploadPartCommand({ ...target, UploadId, PartNumber, Body: Buffer.alloc(sizeBytes) }));
    await part(1, 6_000);
    expect(await refusalOf(put(bucket, 'other', 4_001))).toEqual(REFUSED);
    expect(await refusalOf(part(2, 4_001))).toEqual(REFUSED);
    await part(2, 4_000);
    await part(1, 5_999);
    await put(bucket, 'one', 1);
    expect(await refusalOf(part(1, 6_000))).toEqual(REFUSED);
    expect(await quotas.held(bucket)).toEqual({ bytes: 10_000, artifacts: 1 });
    await suite.s3.send(new AbortMultipartUploadCommand({ ...target, UploadId }));
    expect(await quotas.held(bucket)).toEqual({ bytes: 1, artifacts: 1 });
  });

  it('let an upload be completed that is there already, and give back what it does not use', async () => {
    const bucket = await suite.newBucket();
    const target = { Bucket: bucket, Key: 'k' };
    await put(bucket, 'k', 1_000);
    const { UploadId } = await suite.s3.send(new CreateMultipartUploadCommand(target));
    const Parts = await Promise.all(
      [MIN_PART_BYTES, 3_000, 500].map(async (sizeBytes, at) => {
        const Body = randomBytes(sizeBytes);
        const PartNumber = at + 1;
        const { ETag } = await suite.s3.send(new UploadPartCommand({ ...target, UploadId, PartNumber, Body }));
        return { PartNumber, ETag };
      }),
    );
    const copied = await suite.s3.send(
      new UploadPartCopyCommand({ ...target, UploadId, PartNumber: 9, CopySource: `${bucket}/k` }),
    );
    expect(await quotas.held(bucket)).toEqual({ bytes: MIN_PART_BYTES + 5_500, artifacts: 1 });
    expect(copied.CopyPartResult?.ETag).toBeDefined();
    await roomFor(0);
    const MultipartUpload = { Parts: Parts.slice(0, 2) };
    await suite.s3.send(new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload }));
    expect(await quotas.held(bucket)).toEqual({ bytes: MIN_PART_BYTES + 3_000, artifacts: 1 });
    await suite.s3.send(new DeleteObjectCommand(target));
    expect(await quotas.held(bucket)).toEqual({ bytes: 0, artifacts: 0 });
  });

  it('refuse a copy that does not fit', async () => {
    const bucket = await suite.newBucket();
    await put(bucket, 'source', 1_000);
    await roomFor(1_500);
    const copy = (Key: string): Promise<unknown> =>
      suite.s3.send(new CopyObjectCommand({ Bucket: bucket, Key, CopySource: `${bucket}/source` }));
    await copy('first');
    expect(await refusalOf(copy('second'))).toEqual(REFUSED);
    await copy('first');
  });

  it('refuse a body of known length before it is sent', async () => {
    const bucket = await suite.newBucket();
    await roomFor(1_000_000);
    const { target, host } = await presignedPut(suite.s3, bucket, 'k');
    const connection = await RawConnection.open(suite.vaultaire.s3Endpoint);
    connection.write(
      `PUT ${target} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 1000001\r\nExpect: 100-continue\r\n\r\n`,
    );
    const response = await connection.response();
    expect(response).toMatchObject({ status: 403, headers: { connection: 'close' } });
    expect(response.body).toContain('<Code>QuotaExceeded</Code>');
    expect(response.body).toContain('The quota of the account for bytes stored');
    await connection.untilClosed();
  });

  it('keep nothing of an upload that found no room at its end', async () => {
    const bucket = await suite.newBucket();
    const state = await StoredState.of(suite.vaultaire);
    await roomFor(3_000_000);
    const uploads = await Promise.all(
      ['a', 'b', 'c'].map(async (key) => {
        const { target, host } = await presignedPut(suite.s3, bucket, key);
        const connection = await RawConnection.open(suite.vaultaire.s3Endpoint);
        const headers = `Host: ${host}\r\nContent-Length: 2000000\r\nExpect: 100-continue\r\n`;
        connection.write(`PUT ${target} HTTP/1.1\r\n${headers}\r\n`);
        // Each has room as long as no other has come to its end.
        expect(await connection.response()).toMatchObject({ status: 100 });
        return connection;
      }),
    );
    for (const connection of uploads) connection.write('x'.repeat(2_000_000));
    const statuses = await Promise.all(uploads.map(async (connection) => (await connection.response()).status));
    expect(statuses.toSorted()).toEqual([200, 403, 403]);
    expect(await quotas.held(bucket)).toEqual({ bytes: 2_000_000, artifacts: 1 });
    await state.untilSwept();
    await state.close();
    for (const connection of uploads) connection.destroy();
  });

  it('give back what a batch deletes, and what a bucket took with it', async () => {
    const bucket = await suite.newBucket();
    const keys = Array.from({ length: 120 }, (_, at) => `k${String(at)}`);
    await Promise.all(keys.map((key) => put(bucket, key, 10)));
    expect(await quotas.held(bucket)).toEqual({ bytes: 1_200, artifacts: 120 });
    const before = await quotas.held();
    const Objects = [...keys.slice(20), 'never-there', ...keys.slice(0, 20)].map((Key) => ({ Key }));
    await suite.s3.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects } }));
    expect(await quotas.held(bucket)).toEqual({ bytes: 0, artifacts: 0 });

    const target = { Bucket: bucket, Key: 'k' };
    const { UploadId } = await suite.s3.send(new CreateMultipartUploadCommand(target));
    await suite.s3.send(new UploadPartCommand({ ...target, UploadId, PartNumber: 1, Body: 'part' }));
    await suite.s3.send(new DeleteBucketCommand({ Bucket: bucket }));
    expect(await quotas.held()).toEqual({ bytes: before.bytes - 1_200, artifacts: before.artifacts - 120 });
  });

  it('bound a bucket by itself, in the words of a bucket', async () => {
    const [bucket, other] = [await suite.newBucket(), await suite.newBucket()];
    await quotas.ofTenant({ bytes: { hard: (await quotas.held()).bytes + 100_000 } });
    await quotas.ofBucket(bucket, { bytes: { hard: 5_000 }, artifacts: { hard: 3 } });
    const writes = Array.from({ length: 9 }, (_, at) => (s3: S3Client) => put(bucket, `k${String(at)}`, 2_000, s3));
    expect(await countAccepted(writes)).toBe(2);
    await put(bucket, 'small', 1_000);
    await expect(put(bucket, 'empty', 0)).rejects.toThrow('The quota of the bucket for the number of objects, 3,');
    await put(other, 'k', 50_000);
    expect(await quotas.held(bucket)).toEqual({ bytes: 5_000, artifacts: 3 });
  });

  it('hold as soon as they are changed, also below what is there', async () => {
    const bucket = await suite.newBucket();
    await Promise.all(['a', 'b', 'c', 'd'].map((key) => put(bucket, key, 1_000)));
    await roomFor(-1_500);
    expect(await refusalOf(put(bucket, 'e', 1))).toEqual(REFUSED);
    await suite.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'a' }));
    // Still above: what was given back is not to be had again.
    expect(await refusalOf(put(bucket, 'e', 500))).toEqual(REFUSED);
    await put(bucket, 'b', 400);
    expect(await refusalOf(put(bucket, 'e', 101))).toEqual(REFUSED);
    await put(bucket, 'e', 100);
    await quotas.ofTenant({});
    await put(bucket, 'f', 5_000);
  });

  it('bound the largest object, however it is written', async () => {
    const bucket = await suite.newBucket();
    const target = { Bucket: bucket, Key: 'k' };
    await put(bucket, 'source', 6_000_001);
    await quotas.ofTenant({ largestArtifactBytes: 6_000_000 });
    await put(bucket, 'k', 6_000_000);
    expect(await refusalOf(put(bucket, 'k', 6_000_001))).toEqual(REFUSED);
    const CopySource = `${bucket}/source`;
    expect(await refusalOf(suite.s3.send(new CopyObjectCommand({ ...target, CopySource })))).toEqual(REFUSED);
    const { UploadId } = await suite.s3.send(new CreateMultipartUploadCommand(target));
    const Parts = await Promise.all(
      [MIN_PART_BYTES, 1_000_000].map(async (sizeBytes, at) => {
        const part = { ...target, UploadId, PartNumber: at + 1, Body: Buffer.alloc(sizeBytes) };
        return { PartNumber: at + 1, ETag: (await suite.s3.send(new UploadPartCommand(part))).ETag };
      }),
    );
    const complete = new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts } });
    expect(await refusalOf(suite.s3.send(complete))).toEqual(REFUSED);
  });

  it('bound the number of buckets, whoever makes them at the same time', async () => {
    const [row] = await quotas.query<{ count: string }>('SELECT count(*) FROM containers');
    await quotas.ofTenant({ containers: Number(row?.count) + 3 });
    const names = Array.from({ length: 10 }, () => `b-${randomBytes(8).toString('hex')}`);
    const creations = names.map((Bucket) => (s3: S3Client) => s3.send(new CreateBucketCommand({ Bucket })));
    expect(await countAccepted(creations)).toBe(3);
    // One's own again makes none.
    const [own] = await quotas.query<{ name: string }>('SELECT name FROM containers LIMIT 1');
    await suite.s3.send(new CreateBucketCommand({ Bucket: own?.name }));
  });

  it('stop reads when the egress of the month is used up', async () => {
    const bucket = await suite.newBucket();
    await put(bucket, 'k', 100_000);
    const read = async (): Promise<number> =>
      (await textOf(await suite.s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'k' })))).length;
    const [sent] = await quotas.query<{ bytes: string }>('SELECT coalesce(sum(bytes), 0) AS bytes FROM tenant_egress');
    await quotas.ofTenant({ monthlyEgressBytes: { hard: Number(sent?.bytes) + 1_000_000 } });
    let reads = 0;
    for (; reads < 1_000; reads += 1) {
      const outcome = await read().catch(codeOf);
      if (outcome === 100_000) continue;
      expect(outcome).toBe('QuotaExceeded');
      break;
    }
    // What the other process sends shows within a second or two.
    expect(reads).toBeGreaterThanOrEqual(8);
    expect(reads).toBeLessThan(1_000);
    await put(bucket, 'writes-go-on', 1);
    await quotas.ofTenant({});
    expect(await read()).toBe(100_000);
  });
});
