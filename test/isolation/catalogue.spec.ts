import { createHash, createHmac, randomBytes } from 'node:crypto';
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { SignatureV4 } from '@smithy/signature-v4';
import type { DataSource } from 'typeorm';
import { makeDataSource } from '../../src/database/data-source';
import { OPERATION_CATALOGUE } from '../../src/s3-api/operations/operation-catalogue';
import type { OperationDefinition } from '../../src/s3-api/operations/operation.types';
import type { AccessKeyCredentials } from '../../src/tenant/tenancy.service';
import { SecretCipher } from '../../src/tenant/secret-cipher';
import { TenancyService } from '../../src/tenant/tenancy.service';
import { textOf, useS3 } from '../e2e/s3-suite';

const MASTER_KEY = randomBytes(32);
const SECRET = 'the words that nobody else may read';
const TAG = 'a tag that nobody else may read';
const KEY = 'a/secret key';

/** Operations that address nothing of anybody else's. */
const OWN = new Set(['ListBuckets', 'CreateBucket', 'ListDirectoryBuckets']);

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}

/** The hash that the SDK's signer wants, over Node's. */
class Sha256 {
  private readonly hash;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret));
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.hash.update(bytesOf(data));
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(this.hash.digest()));
  }

  reset(): void {
    throw new Error('the signer makes a new one');
  }
}

interface Answer {
  readonly status: number;
  readonly code: string | undefined;
  readonly text: string;
}

describe('what belongs to somebody else', () => {
  const suite = useS3({ env: { VAULTAIRE_MASTER_KEY: MASTER_KEY.toString('hex') } });
  const bucket = 'victims-bucket';
  let dataSource: DataSource;
  let uploadId = '';
  let versionId = '';
  let neighbour: AccessKeyCredentials;
  let stranger: AccessKeyCredentials;
  let revoked: AccessKeyCredentials;

  beforeAll(async () => {
    dataSource = await makeDataSource(suite.vaultaire.databaseUrl ?? '').initialize();
    const tenancy = new TenancyService(dataSource.manager, new SecretCipher(MASTER_KEY));
    const home = await tenancy.findTenant('default');
    neighbour = await tenancy.createAccessKey(
      await tenancy.createUser(home, { name: 'neighbour', displayName: 'Neighbour' }),
    );
    const abroad = await tenancy.createTenant('abroad');
    const foreigner = await tenancy.createUser(abroad, { name: 'stranger', displayName: 'Stranger' });
    stranger = await tenancy.createAccessKey(foreigner);
    revoked = await tenancy.createAccessKey(foreigner);
    await tenancy.revokeAccessKey(revoked.accessKeyId);

    await suite.s3.send(new CreateBucketCommand({ Bucket: bucket }));
    await suite.s3.send(
      new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }),
    );
    await suite.s3.send(
      new PutBucketTaggingCommand({ Bucket: bucket, Tagging: { TagSet: [{ Key: 'whose', Value: TAG }] } }),
    );
    const put = await suite.s3.send(new PutObjectCommand({ Bucket: bucket, Key: KEY, Body: SECRET }));
    versionId = put.VersionId ?? '';
    const upload = await suite.s3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: KEY }));
    uploadId = upload.UploadId ?? '';
  }, 60_000);

  afterAll(async () => {
    await dataSource.destroy();
  });

  /** All that an intruder could have changed. */
  async function state(): Promise<unknown> {
    const { s3 } = suite;
    const versions = await s3.send(new ListObjectVersionsCommand({ Bucket: bucket }));
    const uploads = await s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    return {
      body: await textOf(await s3.send(new GetObjectCommand({ Bucket: bucket, Key: KEY }))),
      versions: versions.Versions?.map(({ Key, VersionId, ETag }) => ({ Key, VersionId, ETag })),
      deleteMarkers: versions.DeleteMarkers,
      uploads: uploads.Uploads?.map(({ UploadId }) => UploadId),
      versioning: (await s3.send(new GetBucketVersioningCommand({ Bucket: bucket }))).Status,
      tags: (await s3.send(new GetBucketTaggingCommand({ Bucket: bucket }))).TagSet,
    };
  }

  /** Asks for the operation on the victim's bucket, object, version, upload and, where it copies, source. */
  async function intrude(
    operation: OperationDefinition,
    credentials: AccessKeyCredentials | undefined,
    where = bucket,
  ): Promise<Answer> {
    const encodedKey = KEY.split('/').map(encodeURIComponent).join('/');
    const path = { service: '/', bucket: `/${where}`, object: `/${where}/${encodedKey}` }[operation.resource];
    const query: Record<string, string> = {};
    for (const [name, value] of Object.entries(operation.query)) query[name] = value ?? '';
    if ('uploadId' in query || operation.parameters.includes('uploadId')) query.uploadId = uploadId;
    if ('partNumber' in query) query.partNumber = '1';
    if (operation.parameters.includes('versionId')) query.versionId = versionId;
    const endpoint = new URL(suite.vaultaire.s3Endpoint);
    const hasBody = operation.method === 'PUT' || operation.method === 'POST';
    const body = hasBody && operation.body !== 'none' ? '<Intruder/>' : '';
    const headers: Record<string, string> = {
      host: endpoint.host,
      'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
      ...(hasBody ? { 'content-length': String(body.length) } : {}),
    };
    for (const name of operation.headers)
      headers[name] = name === 'x-amz-copy-source' ? `/${bucket}/${encodedKey}` : 'x';
    const request = {
      method: operation.method,
      protocol: 'http:',
      hostname: endpoint.hostname,
      port: Number(endpoint.port),
      path,
      query,
      headers,
    };
    const signed =
      credentials === undefined
        ? request
        : await new SignatureV4({
            service: 's3',
            region: 'us-east-1',
            credentials: { accessKeyId: credentials.accessKeyId, secretAccessKey: credentials.secretKey },
            sha256: Sha256,
            uriEscapePath: false,
          }).sign(request);
    const { host: _host, 'content-length': _length, ...sent } = signed.headers;
    const search = new URLSearchParams(query).toString();
    const answer = await fetch(`${suite.vaultaire.s3Endpoint}${path}${search === '' ? '' : `?${search}`}`, {
      method: operation.method,
      headers: sent,
      ...(hasBody ? { body } : {}),
    });
    const text = await answer.text();
    return { status: answer.status, code: /<Code>(\w+)<\/Code>/.exec(text)?.[1], text };
  }

  const operations = OPERATION_CATALOGUE.filter(
    ({ name, resource, method }) => !OWN.has(name) && resource !== 'service' && method !== 'OPTIONS',
  );
  const intruders: [string, () => AccessKeyCredentials | undefined, readonly string[]][] = [
    ['another user of the tenant', () => neighbour, ['AccessDenied']],
    ['a user of another tenant', () => stranger, ['NoSuchBucket']],
    ['nobody', () => undefined, ['AccessDenied']],
    ['a revoked key', () => revoked, ['InvalidAccessKeyId']],
    [
      'a wrong secret',
      () => ({ accessKeyId: suite.vaultaire.accessKeyId, secretKey: 'not-the-secret-of-this-key' }),
      ['SignatureDoesNotMatch'],
    ],
  ];

  it.each(intruders)(
    'refuses %s every operation of the catalogue, and shows and changes nothing',
    async (_who, credentials, codes) => {
      const before = await state();
      for (const operation of operations) {
        const answer = await intrude(operation, credentials());
        const outcome = { operation: operation.name, code: answer.code, status: answer.status };
        if (operation.method === 'HEAD')
          expect(outcome).toMatchObject({ status: codes.includes('NoSuchBucket') ? 404 : 403 });
        else expect({ ...outcome, isRefused: codes.includes(outcome.code ?? '') }).toMatchObject({ isRefused: true });
        expect(answer.text).not.toContain(SECRET);
        expect(answer.text).not.toContain(TAG);
      }
      expect(await state()).toEqual(before);
    },
    60_000,
  );

  it('gives a bucket of the same name in another tenant nothing of the first', async () => {
    const client = suite.vaultaire.s3Client({
      credentials: { accessKeyId: stranger.accessKeyId, secretAccessKey: stranger.secretKey },
    });
    const before = await state();
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    for (const operation of operations.filter(({ method }) => method === 'GET' || method === 'HEAD')) {
      const answer = await intrude(operation, stranger);
      expect(answer.text).not.toContain(SECRET);
      expect(answer.text).not.toContain(TAG);
    }
    await expect(client.send(new GetObjectCommand({ Bucket: bucket, Key: KEY }))).rejects.toMatchObject({
      name: 'NoSuchKey',
    });
    expect(await state()).toEqual(before);
  }, 60_000);

  it('does not let another user of the tenant take the name', async () => {
    const client = suite.vaultaire.s3Client({
      credentials: { accessKeyId: neighbour.accessKeyId, secretAccessKey: neighbour.secretKey },
    });
    await expect(client.send(new CreateBucketCommand({ Bucket: bucket }))).rejects.toMatchObject({
      name: 'BucketAlreadyExists',
    });
  });
});
