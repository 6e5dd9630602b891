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
  DeleteObjectTaggingCommand,
  GetBucketLoggingCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  ListPartsCommand,
  PutBucketLoggingCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { randomBytes } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { makeDataSource } from '../../src/database/data-source';
import { SecretCipher } from '../../src/tenant/secret-cipher';
import type { AccessKeyCredentials } from '../../src/tenant/tenancy.service';
import { TenancyService } from '../../src/tenant/tenancy.service';
import { codeOf } from '../e2e/raw-answer';
import { useS3 } from '../e2e/s3-suite';
import { StoredState } from '../support/stored-state';

const MASTER_KEY = randomBytes(32);
const VICTIM = 'shared-name';
const Key = 'a/secret key';

/** What an intruder knows of the victim: every name and id there is. */
interface Known {
  readonly uploadId: string;
  readonly versionId: string;
  readonly etag: string;
}

/** Everything of the engine's tables that belongs to the victim's bucket, and all blobs. */
const TABLES = [
  'SELECT * FROM containers WHERE id = $1',
  'SELECT * FROM container_settings WHERE container_id = $1',
  'SELECT * FROM artifact_versions WHERE container_id = $1 ORDER BY key, id',
  'SELECT * FROM multipart_uploads WHERE container_id = $1 ORDER BY id',
  `SELECT p.* FROM multipart_parts p JOIN multipart_uploads u ON u.id = p.upload_id WHERE u.container_id = $1
   ORDER BY p.upload_id, p.part_number`,
  `SELECT b.id, b.state, b.ref_count, b.md5, b.size_bytes FROM blobs b WHERE b.id IN (
     SELECT blob_id FROM artifact_versions WHERE container_id = $1 UNION ALL
     SELECT p.blob_id FROM multipart_parts p JOIN multipart_uploads u ON u.id = p.upload_id WHERE u.container_id = $1
   ) ORDER BY b.id`,
];

describe('a bucket of the intruder’s own', () => {
  const suite = useS3({ env: { VAULTAIRE_MASTER_KEY: MASTER_KEY.toString('hex') } });
  let stored: StoredState;
  let dataSource: DataSource;
  let known: Known;
  let containerId: string;
  const credentials = new Map<string, AccessKeyCredentials>();

  beforeAll(async () => {
    stored = await StoredState.of(suite.vaultaire);
    dataSource = await makeDataSource(suite.vaultaire.databaseUrl ?? '').initialize();
    const tenancy = new TenancyService(dataSource.manager, new SecretCipher(MASTER_KEY));
    const home = await tenancy.findTenant('default');
    const abroad = await tenancy.createTenant('abroad');
    const neighbour = await tenancy.createUser(home, { name: 'neighbour' });
    const stranger = await tenancy.createUser(abroad, { name: 'stranger' });
    credentials.set('neighbour', await tenancy.createAccessKey(neighbour));
    credentials.set('stranger', await tenancy.createAccessKey(stranger));

    const { s3 } = suite;
    await s3.send(new CreateBucketCommand({ Bucket: VICTIM }));
    await s3.send(new PutBucketVersioningCommand({ Bucket: VICTIM, VersioningConfiguration: { Status: 'Enabled' } }));
    await s3.send(new PutBucketTaggingCommand({ Bucket: VICTIM, Tagging: { TagSet: [{ Key: 't', Value: 'v' }] } }));
    await s3.send(new PutObjectCommand({ Bucket: VICTIM, Key, Body: randomBytes(300_000) }));
    const put = await s3.send(new PutObjectCommand({ Bucket: VICTIM, Key, Body: 'small secret' }));
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket: VICTIM, Key }));
    await s3.send(new UploadPartCommand({ Bucket: VICTIM, Key, UploadId, PartNumber: 1, Body: 'part' }));
    known = { uploadId: UploadId ?? '', versionId: put.VersionId ?? '', etag: put.ETag ?? '' };
    const [row] = await stored.query<{ id: string }>('SELECT id FROM containers WHERE name = $1', [VICTIM]);
    containerId = row?.id ?? '';
  }, 60_000);

  afterAll(async () => {
    await dataSource.destroy();
    await stored.close();
  });

  function clientOf(name: string): S3Client {
    const key = credentials.get(name);
    if (key === undefined) throw new Error(`there is no ${name}`);
    return suite.vaultaire.s3Client({
      credentials: { accessKeyId: key.accessKeyId, secretAccessKey: key.secretKey },
    });
  }

  async function state(): Promise<unknown[]> {
    const tables: unknown[] = [];
    for (const sql of TABLES) tables.push(await stored.query(sql, [containerId]));
    return tables;
  }

  /** Requests in `Bucket` that use what is the victim's, each with the code that it must be refused with. */
  function requests(s3: S3Client, Bucket: string): readonly (readonly [string, string, Promise<unknown>])[] {
    const object = { Bucket, Key };
    const version = { ...object, VersionId: known.versionId };
    const upload = { ...object, UploadId: known.uploadId };
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: known.etag }] };
    const tags = { TagSet: [{ Key: 'mine', Value: 'now' }] };
    return [
      ['GetObject', 'NoSuchKey', s3.send(new GetObjectCommand(object))],
      ['GetObject of a version', 'NoSuchVersion', s3.send(new GetObjectCommand(version))],
      ['HeadObject', 'NotFound', s3.send(new HeadObjectCommand(object))],
      [
        'GetObjectAttributes',
        'NoSuchVersion',
        s3.send(new GetObjectAttributesCommand({ ...version, ObjectAttributes: ['ETag'] })),
      ],
      ['GetObjectTagging', 'NoSuchVersion', s3.send(new GetObjectTaggingCommand(version))],
      ['PutObjectTagging', 'NoSuchVersion', s3.send(new PutObjectTaggingCommand({ ...version, Tagging: tags }))],
      ['DeleteObjectTagging', 'NoSuchVersion', s3.send(new DeleteObjectTaggingCommand(version))],
      ['UploadPart', 'NoSuchUpload', s3.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: 'x' }))],
      ['ListParts', 'NoSuchUpload', s3.send(new ListPartsCommand(upload))],
      [
        'CompleteMultipartUpload',
        'NoSuchUpload',
        s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload })),
      ],
      ['AbortMultipartUpload', 'NoSuchUpload', s3.send(new AbortMultipartUploadCommand(upload))],
    ];
  }

  async function expectRefusals(asked: readonly (readonly [string, string, Promise<unknown>])[]): Promise<void> {
    const outcomes = await Promise.all(
      asked.map(async ([name, , work]) => [name, await work.then(() => 'ok', codeOf)] as const),
    );
    expect(outcomes).toEqual(asked.map(([name, code]) => [name, code]));
  }

  it.each([
    ['another user of the tenant', 'neighbour', 'neighbours-bucket'],
    ['a user of another tenant', 'stranger', 'strangers-bucket'],
    ['a user of another tenant, under the same name', 'stranger', VICTIM],
  ])(
    'opens nothing of the victim’s to %s, by no id',
    async (_who, intruder, Bucket) => {
      const s3 = clientOf(intruder);
      const before = await state();
      await s3.send(new CreateBucketCommand({ Bucket }));
      await expectRefusals(requests(s3, Bucket));

      // Deletes of what is not there succeed, and delete nothing elsewhere.
      await s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId: known.versionId }));
      await s3.send(new DeleteObjectCommand({ Bucket, Key }));
      await s3.send(
        new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key }, { Key, VersionId: known.versionId }] } }),
      );
      const [keys, versions, uploads] = await Promise.all([
        s3.send(new ListObjectsV2Command({ Bucket })),
        s3.send(new ListObjectVersionsCommand({ Bucket, KeyMarker: Key, VersionIdMarker: known.versionId })),
        s3.send(new ListMultipartUploadsCommand({ Bucket, KeyMarker: Key, UploadIdMarker: known.uploadId })),
      ]);
      expect([keys.Contents ?? [], versions.Versions ?? [], uploads.Uploads ?? []]).toEqual([[], [], []]);
      const { Buckets } = await s3.send(new ListBucketsCommand({}));
      expect(Buckets?.map(({ Name }) => Name)).toContain(Bucket);
      expect(Buckets?.every(({ Name }) => Name === Bucket || Name !== VICTIM)).toBe(true);
      await s3.send(new DeleteBucketCommand({ Bucket }));
      expect(await state()).toEqual(before);
    },
    60_000,
  );

  it.each([
    ['another user of the tenant', 'neighbour', 'AccessDenied'],
    ['a user of another tenant', 'stranger', 'NoSuchBucket'],
  ])(
    'can not be filled from the victim’s by %s',
    async (_who, intruder, code) => {
      const s3 = clientOf(intruder);
      const Bucket = `${intruder}-copies`;
      await s3.send(new CreateBucketCommand({ Bucket }));
      const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
      const before = await state();
      const source = `${VICTIM}/${encodeURIComponent(Key)}`;
      for (const CopySource of [source, `/${source}`, `${source}?versionId=${known.versionId}`]) {
        const copied = await s3.send(new CopyObjectCommand({ Bucket, Key, CopySource })).catch(codeOf);
        const part = { Bucket, Key, UploadId, PartNumber: 1, CopySource };
        const copiedPart = await s3.send(new UploadPartCopyCommand(part)).catch(codeOf);
        expect([CopySource, copied, copiedPart]).toEqual([CopySource, code, code]);
      }
      expect((await s3.send(new ListPartsCommand({ Bucket, Key, UploadId }))).Parts ?? []).toEqual([]);
      expect((await s3.send(new ListObjectsV2Command({ Bucket }))).Contents ?? []).toEqual([]);
      expect(await state()).toEqual(before);
    },
    60_000,
  );

  it.each(['neighbour', 'stranger'])(
    'can not have its access log written into the victim’s by %s',
    async (intruder) => {
      const s3 = clientOf(intruder);
      const Bucket = `${intruder}-logged`;
      await s3.send(new CreateBucketCommand({ Bucket }));
      const before = await state();
      for (const TargetBucket of [VICTIM, `default:${VICTIM}`]) {
        const BucketLoggingStatus = { LoggingEnabled: { TargetBucket, TargetPrefix: '' } };
        const refusal = await s3.send(new PutBucketLoggingCommand({ Bucket, BucketLoggingStatus })).catch(codeOf);
        expect([TargetBucket, refusal]).toEqual([TargetBucket, 'InvalidTargetBucketForLogging']);
      }
      expect((await s3.send(new GetBucketLoggingCommand({ Bucket }))).LoggingEnabled).toBeUndefined();
      expect(await state()).toEqual(before);
    },
  );

  it('is as closed to the victim', async () => {
    const s3 = clientOf('stranger');
    const Bucket = 'strangers-own';
    await s3.send(new CreateBucketCommand({ Bucket }));
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'stranger' }));
    const outcomes = await Promise.all([
      suite.s3
        .send(new CopyObjectCommand({ Bucket, Key, CopySource: `${VICTIM}/${encodeURIComponent(Key)}` }))
        .catch(codeOf),
      suite.s3
        .send(new CopyObjectCommand({ Bucket: VICTIM, Key: 'x', CopySource: `${Bucket}/${encodeURIComponent(Key)}` }))
        .catch(codeOf),
    ]);
    expect(outcomes).toEqual(['NoSuchBucket', 'NoSuchBucket']);
  });
});
