import { randomBytes } from 'node:crypto';
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
  GetBucketLocationCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  ListPartsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import type { KeyScope } from '../../src/context/policy/key-scope';
import type { User } from '../../src/tenant/entities/user.entity';
import type { AccessKeyCredentials } from '../../src/tenant/tenancy.service';
import { sendSigned } from '../support/signed-request';
import { TestTenancy } from '../support/tenancy';
import { until } from '../support/until';
import { codeOf } from './raw-answer';
import { textOf, useS3 } from './s3-suite';

const MASTER_KEY = randomBytes(32);
/** Room for a busy machine, and yet less than any entry of a cache lives that was not told of the change. */
const WITHIN_MS = 4_000;

describe('the scope of an access key', () => {
  const suite = useS3({
    env: { VAULTAIRE_MASTER_KEY: MASTER_KEY.toString('hex') },
    config: { trustedProxies: ['192.0.2.1'] },
  });
  let tenancy: TestTenancy;
  let user: User;
  let s3: S3Client;

  beforeAll(async () => {
    tenancy = await TestTenancy.of(suite.vaultaire, MASTER_KEY);
    user = await tenancy.user(await tenancy.tenant('acme'), 'alice');
    s3 = clientOf(await tenancy.key(user));
    for (const Bucket of ['photos', 'photos-old', 'music']) {
      await s3.send(new CreateBucketCommand({ Bucket }));
      await s3.send(new PutObjectCommand({ Bucket, Key: 'in/a', Body: 'inside' }));
      await s3.send(new PutObjectCommand({ Bucket, Key: 'out/a', Body: 'outside' }));
    }
  }, 60_000);

  afterAll(async () => {
    await tenancy.close();
  });

  function clientOf({ accessKeyId, secretKey }: AccessKeyCredentials): S3Client {
    return suite.vaultaire.s3Client({ credentials: { accessKeyId, secretAccessKey: secretKey } });
  }

  async function scoped(scope: KeyScope): Promise<S3Client> {
    return clientOf(await tenancy.key(user, { scope }));
  }

  /** The code of each refusal, or `ok`. */
  const outcomes = (...asked: readonly Promise<unknown>[]): Promise<unknown[]> =>
    Promise.all(asked.map((work) => work.then(() => 'ok', codeOf)));
  const denied = (count: number): string[] => Array.from({ length: count }, () => 'AccessDenied');
  const allowed = (count: number): string[] => Array.from({ length: count }, () => 'ok');

  it('holds to operations, by name and by class', async () => {
    const reader = await scoped({ operations: ['read', 'DeleteObject'] });
    const object = { Bucket: 'photos', Key: 'in/a' };
    expect(
      await outcomes(
        reader.send(new GetObjectCommand(object)),
        reader.send(new HeadObjectCommand(object)),
        reader.send(new DeleteObjectCommand({ ...object, Key: 'nothing' })),
      ),
    ).toEqual(allowed(3));
    expect(
      await outcomes(
        reader.send(new PutObjectCommand({ ...object, Body: 'x' })),
        reader.send(new ListObjectsV2Command({ Bucket: 'photos' })),
        reader.send(new ListBucketsCommand({})),
        reader.send(new CreateBucketCommand({ Bucket: 'by-reader' })),
        reader.send(new DeleteObjectsCommand({ Bucket: 'photos', Delete: { Objects: [{ Key: 'nothing' }] } })),
      ),
    ).toEqual(denied(5));
    const writer = await scoped({ operations: ['write'] });
    const copy = { Bucket: 'photos', Key: 'copy', CopySource: 'photos/in/a' };
    expect(await outcomes(writer.send(new CopyObjectCommand(copy)))).toEqual(['AccessDenied']);
    const copier = await scoped({ operations: ['CopyObject', 'GetObject', 'DeleteObject'] });
    expect(
      await outcomes(copier.send(new CopyObjectCommand(copy)).then(() => copier.send(new DeleteObjectCommand(copy)))),
    ).toEqual(['ok']);
  });

  it('holds to buckets, to those of copies too, and lists no others', async () => {
    const client = await scoped({ containers: ['photos*'] });
    expect(
      await outcomes(
        client.send(new GetObjectCommand({ Bucket: 'photos', Key: 'in/a' })),
        client.send(new GetObjectCommand({ Bucket: 'photos-old', Key: 'in/a' })),
        client.send(new CreateBucketCommand({ Bucket: 'photos-new' })),
      ),
    ).toEqual(allowed(3));
    expect(
      await outcomes(
        client.send(new GetObjectCommand({ Bucket: 'music', Key: 'in/a' })),
        client.send(new GetObjectCommand({ Bucket: 'no-such-bucket', Key: 'in/a' })),
        client.send(new CreateBucketCommand({ Bucket: 'music-new' })),
        client.send(new DeleteBucketCommand({ Bucket: 'music' })),
        client.send(new CopyObjectCommand({ Bucket: 'photos', Key: 'x', CopySource: 'music/in/a' })),
        client.send(new CopyObjectCommand({ Bucket: 'music', Key: 'x', CopySource: 'photos/in/a' })),
      ),
    ).toEqual(denied(6));
    const { Buckets } = await client.send(new ListBucketsCommand({}));
    expect(Buckets?.map(({ Name }) => Name)).toEqual(['photos', 'photos-new', 'photos-old']);
    await client.send(new DeleteBucketCommand({ Bucket: 'photos-new' }));
  });

  it('shows hidden buckets in no page and no continuation token', async () => {
    const client = await scoped({ containers: ['photos', 'photos-old'] });
    const first = await client.send(new ListBucketsCommand({ MaxBuckets: 1 }));
    expect(first.Buckets?.map(({ Name }) => Name)).toEqual(['photos']);
    expect(Buffer.from(first.ContinuationToken ?? '', 'base64url').toString()).not.toContain('music');
    const second = await client.send(
      new ListBucketsCommand({ MaxBuckets: 1, ContinuationToken: first.ContinuationToken }),
    );
    expect(second.Buckets?.map(({ Name }) => Name)).toEqual(['photos-old']);
    expect(second.ContinuationToken).toBeUndefined();
  });

  it('holds to the beginnings of keys', async () => {
    const client = await scoped({ prefixes: ['in/'] });
    const Bucket = 'photos';
    expect(
      await outcomes(
        client.send(new GetObjectCommand({ Bucket, Key: 'in/a' })),
        client.send(new PutObjectCommand({ Bucket, Key: 'in/b', Body: 'b' })),
        client.send(new CopyObjectCommand({ Bucket, Key: 'in/c', CopySource: 'photos/in/a' })),
        client.send(new ListObjectsV2Command({ Bucket, Prefix: 'in/' })),
        client.send(new ListObjectsCommand({ Bucket, Prefix: 'in/deeper' })),
        client.send(new ListObjectVersionsCommand({ Bucket, Prefix: 'in/' })),
        client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: 'in/' })),
        client.send(new HeadBucketCommand({ Bucket })),
        client.send(new GetBucketLocationCommand({ Bucket })),
      ),
    ).toEqual(allowed(9));
    expect(
      await outcomes(
        client.send(new GetObjectCommand({ Bucket, Key: 'out/a' })),
        client.send(new GetObjectCommand({ Bucket, Key: 'in' })),
        client.send(new GetObjectCommand({ Bucket, Key: 'IN/a' })),
        client.send(new PutObjectCommand({ Bucket, Key: 'out/b', Body: 'b' })),
        client.send(new CopyObjectCommand({ Bucket, Key: 'in/d', CopySource: 'photos/out/a' })),
        client.send(new CopyObjectCommand({ Bucket, Key: 'out/d', CopySource: 'photos/in/a' })),
        client.send(new ListObjectsV2Command({ Bucket })),
        client.send(new ListObjectsV2Command({ Bucket, Prefix: '' })),
        client.send(new ListObjectsV2Command({ Bucket, Prefix: 'in' })),
        client.send(new ListObjectsCommand({ Bucket, Marker: 'in/' })),
        client.send(new ListObjectVersionsCommand({ Bucket, Prefix: 'o' })),
        client.send(new ListMultipartUploadsCommand({ Bucket })),
        client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } })),
        client.send(new GetBucketVersioningCommand({ Bucket })),
        client.send(new DeleteBucketCommand({ Bucket })),
        client.send(new CreateBucketCommand({ Bucket: 'in-new' })),
      ),
    ).toEqual(denied(16));
  });

  it('goes for each key of a DeleteObjects', async () => {
    const client = await scoped({ prefixes: ['in/'] });
    const Bucket = 'photos-old';
    await s3.send(new PutObjectCommand({ Bucket, Key: 'in/gone', Body: 'x' }));
    const { Deleted, Errors } = await client.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'out/a' }, { Key: 'in/gone' }] } }),
    );
    expect(Deleted?.map(({ Key }) => Key)).toEqual(['in/gone']);
    expect(Errors?.map(({ Key, Code }) => [Key, Code])).toEqual([['out/a', 'AccessDenied']]);
    expect(await textOf(await s3.send(new GetObjectCommand({ Bucket, Key: 'out/a' })))).toBe('outside');
  });

  it('opens uploads by their key only', async () => {
    const client = await scoped({ prefixes: ['in/'] });
    const Bucket = 'music';
    const inside = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'in/upload' }));
    const outside = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'out/upload' }));
    const own = { Bucket, Key: 'in/upload', UploadId: inside.UploadId };
    const others = { Bucket, Key: 'out/upload', UploadId: outside.UploadId };
    const disguised = { ...others, Key: 'in/upload' };
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: '"0"' }] };
    const copy = { PartNumber: 1, CopySource: 'music/out/a' };
    expect(
      await outcomes(
        client.send(new UploadPartCommand({ ...others, PartNumber: 1, Body: 'x' })),
        client.send(new UploadPartCopyCommand({ ...others, ...copy, CopySource: 'music/in/a' })),
        client.send(new UploadPartCopyCommand({ ...own, ...copy })),
        client.send(new ListPartsCommand(others)),
        client.send(new CompleteMultipartUploadCommand({ ...others, MultipartUpload })),
        client.send(new AbortMultipartUploadCommand(others)),
      ),
    ).toEqual(denied(6));
    expect(
      await outcomes(
        client.send(new UploadPartCommand({ ...disguised, PartNumber: 1, Body: 'x' })),
        client.send(new ListPartsCommand(disguised)),
        client.send(new AbortMultipartUploadCommand(disguised)),
      ),
    ).toEqual(['NoSuchUpload', 'NoSuchUpload', 'NoSuchUpload']);
    const part = await client.send(new UploadPartCommand({ ...own, PartNumber: 1, Body: 'part' }));
    await client.send(
      new CompleteMultipartUploadCommand({
        ...own,
        MultipartUpload: { Parts: [{ PartNumber: 1, ETag: part.ETag }] },
      }),
    );
    await s3.send(new AbortMultipartUploadCommand(others));
  });

  it('holds to the networks of clients, whatever they say of themselves', async () => {
    const path = '/photos/in/a';
    const near = await tenancy.key(user, { scope: { networks: ['127.0.0.0/8'] } });
    expect((await sendSigned(suite.vaultaire, near, { method: 'GET', path })).status).toBe(200);
    const far = await tenancy.key(user, { scope: { networks: ['198.51.100.0/24'] } });
    const forged: Record<string, string>[] = [
      {},
      { 'x-forwarded-for': '198.51.100.7' },
      { 'x-real-ip': '198.51.100.7' },
      { forwarded: 'for=198.51.100.7' },
      { 'x-forwarded-for': '198.51.100.7, 192.0.2.1' },
      { 'x-client-ip': '198.51.100.7' },
    ];
    for (const addedHeaders of forged) {
      const answer = await sendSigned(suite.vaultaire, far, { method: 'GET', path, addedHeaders });
      expect([addedHeaders, answer.status, answer.code]).toEqual([addedHeaders, 403, 'AccessDenied']);
    }
  });

  it('is refused whole when it says something that nobody understands', async () => {
    const client = await scoped({ containers: ['photos'], hours: ['9-17'] } as KeyScope);
    expect(await outcomes(client.send(new GetObjectCommand({ Bucket: 'photos', Key: 'in/a' })))).toEqual(denied(1));
  });

  it('is narrowed, and taken back, as soon as the change commits', async () => {
    const key = await tenancy.key(user);
    const client = clientOf(key);
    const get = (): Promise<unknown[]> =>
      outcomes(client.send(new GetObjectCommand({ Bucket: 'photos', Key: 'in/a' })));
    expect(await get()).toEqual(['ok']);
    await tenancy.restrict(key, { scope: { containers: ['music'] } });
    await until('the scope holds', async () => (await get())[0] === 'AccessDenied', WITHIN_MS);
    await tenancy.revoke(key);
    await until('the revocation holds', async () => (await get())[0] === 'InvalidAccessKeyId', WITHIN_MS);
  });
});

describe('addresses with the tenant in them', () => {
  const suite = useS3({ env: { VAULTAIRE_MASTER_KEY: MASTER_KEY.toString('hex') } });
  let tenancy: TestTenancy;
  let key: AccessKeyCredentials;

  beforeAll(async () => {
    tenancy = await TestTenancy.of(suite.vaultaire, MASTER_KEY);
    const user = await tenancy.user(await tenancy.tenant('acme'));
    key = await tenancy.key(user);
    const other = await tenancy.key(await tenancy.user(await tenancy.tenant('other')));
    for (const signer of [key, other]) {
      await sendSigned(suite.vaultaire, signer, { method: 'PUT', path: '/photos' });
      await sendSigned(suite.vaultaire, signer, { method: 'PUT', path: '/photos/k', body: 'bytes' });
    }
  }, 60_000);

  afterAll(async () => {
    await tenancy.close();
  });

  const ask = async (
    method: string,
    path: string,
    source?: string,
  ): Promise<readonly [number, string | undefined, string]> => {
    const headers = source === undefined ? {} : { 'x-amz-copy-source': source };
    const answer = await sendSigned(suite.vaultaire, key, { method, path, headers });
    return [answer.status, answer.code, answer.text];
  };

  it('mean the bucket itself when the tenant is the caller’s own', async () => {
    expect(await ask('GET', '/acme:photos/k')).toEqual([200, undefined, 'bytes']);
    expect(await ask('GET', '/acme%3Aphotos/k')).toEqual([200, undefined, 'bytes']);
    expect(await ask('PUT', '/acme:created')).toEqual([200, undefined, '']);
    expect((await ask('PUT', '/created/copy', 'acme:photos/k'))[0]).toBe(200);
    expect((await ask('PUT', '/acme:created/copy', '/acme%3Aphotos/k'))[0]).toBe(200);
    expect((await ask('GET', '/created/copy'))[2]).toBe('bytes');
    expect((await ask('GET', '/acme:created'))[2]).toContain('<Name>created</Name>');
  });

  it('are denied for any other tenant, whether or not it, or the bucket, exists', async () => {
    const names = ['other:photos', 'other:missing', 'nobody:photos', 'other%3Aphotos', 'Acme:photos', 'default:x'];
    for (const name of names) {
      for (const method of ['GET', 'PUT', 'DELETE', 'HEAD']) {
        for (const path of [`/${name}`, `/${name}/k`]) {
          const [status, code, text] = await ask(method, path);
          expect([method, path, status]).toEqual([method, path, 403]);
          if (method !== 'HEAD') expect(code).toBe('AccessDenied');
          expect(withoutIds(text).replaceAll(name, 'N')).toBe(method === 'HEAD' ? '' : denialOf(path, name));
        }
      }
      expect((await ask('PUT', '/photos/copy', `${name}/k`)).slice(0, 2)).toEqual([403, 'AccessDenied']);
      expect((await ask('PUT', '/photos/copy', `/${name}/missing`)).slice(0, 2)).toEqual([403, 'AccessDenied']);
    }
  });

  const withoutIds = (text: string): string => text.replace(/<RequestId>.*<\/HostId>/, '');
  const denialOf = (path: string, name: string): string =>
    `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message><Resource>${path.replaceAll(name, 'N')}</Resource></Error>`;

  it.each(['/:photos/k', '/acme:', '/acme:/k', '/a:b:c/k'])('are no addresses: %s', async (path) => {
    expect((await ask('GET', path)).slice(0, 2)).toEqual([400, 'InvalidBucketName']);
  });
});

describe('what is taken back', () => {
  const suite = useS3({ workers: 2, env: { VAULTAIRE_MASTER_KEY: MASTER_KEY.toString('hex') } });
  let tenancy: TestTenancy;

  beforeAll(async () => {
    tenancy = await TestTenancy.of(suite.vaultaire, MASTER_KEY);
  });

  afterAll(async () => {
    await tenancy.close();
  });

  /** Asks on connections of their own, which go to all workers in turn. */
  async function codes(key: AccessKeyCredentials): Promise<Set<string>> {
    const request = { method: 'GET', path: '/', addedHeaders: { connection: 'close' } };
    const answers = await Promise.all(Array.from({ length: 8 }, () => sendSigned(suite.vaultaire, key, request)));
    return new Set(answers.map(({ status, code }) => code ?? String(status)));
  }

  const untilAll = (key: AccessKeyCredentials, code: string): Promise<void> =>
    until(
      `all workers say ${code}`,
      async () => {
        const said = await codes(key);
        return said.size === 1 && said.has(code);
      },
      WITHIN_MS,
    );

  it('is refused by every worker as soon as the change commits: a tenant, and a key', async () => {
    const tenant = await tenancy.tenant('acme');
    const user = await tenancy.user(tenant);
    const key = await tenancy.key(user);
    await untilAll(key, '200');
    await tenancy.setState(tenant, 'suspended');
    await untilAll(key, 'AccessDenied');
    await tenancy.setState(tenant, 'active');
    await untilAll(key, '200');
    await tenancy.revoke(key);
    await untilAll(key, 'InvalidAccessKeyId');
    await tenancy.restore(key);
    await untilAll(key, '200');
    await tenancy.restrict(key, { expiresAt: new Date(Date.now() - 1) });
    await untilAll(key, 'InvalidAccessKeyId');
  });
});
