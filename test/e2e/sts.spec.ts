import { randomBytes } from 'node:crypto';
import type { S3Client } from '@aws-sdk/client-s3';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3';
import type { Credentials } from '@aws-sdk/client-sts';
import {
  AssumeRoleCommand,
  GetCallerIdentityCommand,
  GetFederationTokenCommand,
  GetSessionTokenCommand,
  STSClient,
} from '@aws-sdk/client-sts';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { Tenant } from '../../src/tenant/entities/tenant.entity';
import type { User } from '../../src/tenant/entities/user.entity';
import type { AccessKeyCredentials } from '../../src/tenant/tenancy.service';
import { TestTenancy } from '../support/tenancy';
import { codeOf, refusalOf } from './raw-answer';
import { textOf, useS3 } from './s3-suite';

const MASTER_KEY = randomBytes(32);

interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

function keysOf(credentials: Credentials | undefined): Keys {
  const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = credentials ?? {};
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
}

function toKeys({ accessKeyId, secretKey }: AccessKeyCredentials): Keys {
  return { accessKeyId, secretAccessKey: secretKey };
}

describe('temporary credentials', () => {
  const suite = useS3({ env: { VAULTAIRE_MASTER_KEY: MASTER_KEY.toString('hex') } });
  const clients: STSClient[] = [];
  let tenancy: TestTenancy;
  let tenant: Tenant;
  let user: User;
  let key: AccessKeyCredentials;
  let s3: S3Client;
  const Bucket = 'of-acme';

  beforeAll(async () => {
    tenancy = await TestTenancy.of(suite.vaultaire, MASTER_KEY);
    tenant = await tenancy.tenant('acme');
    user = await tenancy.user(tenant, 'alice');
    key = await tenancy.key(user);
    s3 = s3Of(toKeys(key));
    await s3.send(new CreateBucketCommand({ Bucket }));
    await s3.send(new PutObjectCommand({ Bucket, Key: 'in/a', Body: 'inside' }));
    await s3.send(new PutObjectCommand({ Bucket, Key: 'out/a', Body: 'outside' }));
  }, 60_000);

  afterAll(async () => {
    for (const client of clients) client.destroy();
    await tenancy.close();
  });

  function s3Of(credentials: Keys): S3Client {
    return suite.vaultaire.s3Client({ credentials });
  }

  function stsOf(credentials: Keys, region = 'us-east-1'): STSClient {
    const client = new STSClient({ endpoint: suite.vaultaire.s3Endpoint, region, credentials, maxAttempts: 1 });
    clients.push(client);
    return client;
  }

  const assume = (input: Partial<AssumeRoleCommand['input']> = {}, credentials = toKeys(key)) =>
    stsOf(credentials).send(
      new AssumeRoleCommand({ RoleArn: 'arn:aws:iam::acme:role/worker', RoleSessionName: 'job-1', ...input }),
    );
  const policyOf = (...Statement: readonly object[]): string => JSON.stringify({ Version: '2012-10-17', Statement });

  it('are issued to an access key, in whichever region its client believes, and work like it', async () => {
    const before = Date.now();
    const { Credentials } = await stsOf(toKeys(key), 'eu-west-3').send(new GetSessionTokenCommand({}));
    expect(Credentials?.AccessKeyId).toMatch(/^ASIA[A-Z2-7]{16}$/);
    const livesMs = (Credentials?.Expiration?.getTime() ?? 0) - before;
    expect(livesMs).toBeGreaterThan(3_590_000);
    expect(livesMs).toBeLessThan(3_700_000);
    const session = s3Of(keysOf(Credentials));
    await session.send(new PutObjectCommand({ Bucket, Key: 'by-session', Body: 'temporary' }));
    expect(await textOf(await s3.send(new GetObjectCommand({ Bucket, Key: 'by-session' })))).toBe('temporary');
    await session.send(new DeleteObjectCommand({ Bucket, Key: 'by-session' }));
  });

  it('presign URLs that carry their token', async () => {
    const session = s3Of(keysOf((await assume()).Credentials));
    const url = await getSignedUrl(session, new GetObjectCommand({ Bucket, Key: 'in/a' }), { expiresIn: 60 });
    expect(url).toContain('X-Amz-Security-Token=');
    expect(await (await fetch(url)).text()).toBe('inside');
    const without = new URL(url);
    without.searchParams.delete('X-Amz-Security-Token');
    expect((await fetch(without)).status).toBe(400);
  });

  it('tell who they are', async () => {
    const caller = await stsOf(toKeys(key)).send(new GetCallerIdentityCommand({}));
    expect(caller.Account).toMatch(/^\d{12}$/);
    expect(caller).toMatchObject({ Arn: `arn:aws:iam::${caller.Account ?? ''}:user/alice`, UserId: user.id });
    const RoleArn = `arn:aws:iam::${caller.Account ?? ''}:role/path/worker`;
    const { Credentials, AssumedRoleUser } = await assume({ RoleArn, ExternalId: 'any' });
    expect(AssumedRoleUser?.Arn).toBe(`arn:aws:sts::${caller.Account ?? ''}:assumed-role/worker/job-1`);
    const session = await stsOf(keysOf(Credentials)).send(new GetCallerIdentityCommand({}));
    expect(session).toMatchObject({
      Account: caller.Account,
      Arn: AssumedRoleUser?.Arn,
      UserId: AssumedRoleUser?.AssumedRoleId,
    });
  });

  it('do no more than the policy of their session says', async () => {
    const { Credentials } = await assume({
      Policy: policyOf(
        { Effect: 'Allow', Action: ['s3:GetObject', 's3:PutObject'], Resource: `arn:aws:s3:::${Bucket}/in/*` },
        {
          Effect: 'Allow',
          Action: 's3:ListBucket',
          Resource: `arn:aws:s3:::${Bucket}`,
          Condition: { StringLike: { 's3:prefix': 'in/*' } },
        },
      ),
    });
    const session = s3Of(keysOf(Credentials));
    expect(await textOf(await session.send(new GetObjectCommand({ Bucket, Key: 'in/a' })))).toBe('inside');
    await session.send(new PutObjectCommand({ Bucket, Key: 'in/b', Body: 'b' }));
    const listed = await session.send(new ListObjectsV2Command({ Bucket, Prefix: 'in/' }));
    expect(listed.Contents?.map(({ Key }) => Key)).toEqual(['in/a', 'in/b']);
    const refused = await Promise.all([
      session.send(new GetObjectCommand({ Bucket, Key: 'out/a' })).catch(codeOf),
      session.send(new PutObjectCommand({ Bucket, Key: 'in/c', Body: 'c', Tagging: 'a=b' })).catch(codeOf),
      session.send(new GetObjectCommand({ Bucket, Key: 'in/a', VersionId: 'null' })).catch(codeOf),
      session.send(new DeleteObjectCommand({ Bucket, Key: 'in/a' })).catch(codeOf),
      session.send(new ListObjectsV2Command({ Bucket })).catch(codeOf),
      session.send(new ListObjectsV2Command({ Bucket, Prefix: 'i' })).catch(codeOf),
      session.send(new ListBucketsCommand({})).catch(codeOf),
      session
        .send(new PutObjectTaggingCommand({ Bucket, Key: 'in/a', Tagging: { TagSet: [{ Key: 'a', Value: 'b' }] } }))
        .catch(codeOf),
      session
        .send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
        .catch(codeOf),
    ]);
    expect(refused).toEqual(refused.map(() => 'AccessDenied'));
    const deleted = await session.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'in/a' }, { Key: 'out/a' }] } }),
    );
    expect(deleted.Deleted ?? []).toEqual([]);
    expect(deleted.Errors?.map(({ Code }) => Code)).toEqual(['AccessDenied', 'AccessDenied']);
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'in/b' }));
  });

  it('do no more than their parent may, now and later', async () => {
    const restricted = await tenancy.key(user, { scope: { operations: ['read'], prefixes: ['in/'] } });
    const session = s3Of(keysOf((await assume({}, toKeys(restricted))).Credentials));
    expect(await textOf(await session.send(new GetObjectCommand({ Bucket, Key: 'in/a' })))).toBe('inside');
    const put = session.send(new PutObjectCommand({ Bucket, Key: 'in/a', Body: 'x' }));
    expect(await refusalOf(put)).toEqual({ code: 'AccessDenied', status: 403 });
    expect((await refusalOf(session.send(new GetObjectCommand({ Bucket, Key: 'out/a' })))).code).toBe('AccessDenied');
  });

  it('assume further roles within their own rights and time, but get no session tokens', async () => {
    const outer = await assume({
      DurationSeconds: 1_000,
      Policy: policyOf({ Effect: 'Allow', Action: 's3:Get*', Resource: '*' }),
    });
    const sts = stsOf(keysOf(outer.Credentials));
    expect(await refusalOf(sts.send(new GetSessionTokenCommand({})))).toMatchObject({ code: 'AccessDenied' });
    const tooLong = assume({ DurationSeconds: 3_601 }, keysOf(outer.Credentials));
    expect(await refusalOf(tooLong)).toEqual({ code: 'ValidationError', status: 400 });
    const inner = await assume(
      { DurationSeconds: 3_600, Policy: policyOf({ Effect: 'Allow', Action: 's3:*', Resource: '*' }) },
      keysOf(outer.Credentials),
    );
    expect(inner.Credentials?.Expiration).toEqual(outer.Credentials?.Expiration);
    const session = s3Of(keysOf(inner.Credentials));
    expect(await textOf(await session.send(new GetObjectCommand({ Bucket, Key: 'in/a' })))).toBe('inside');
    expect((await refusalOf(session.send(new DeleteObjectCommand({ Bucket, Key: 'in/a' })))).code).toBe('AccessDenied');
  });

  it('end no later than an access key that ends', async () => {
    const expiresAt = new Date(Date.now() + 600_000);
    const ending = await tenancy.key(user, { expiresAt });
    const { Credentials } = await assume({}, toKeys(ending));
    expect(Math.abs((Credentials?.Expiration?.getTime() ?? 0) - expiresAt.getTime())).toBeLessThan(1_000);
  });

  it('are refused with another token, with none, and with a token of another', async () => {
    const { accessKeyId, secretAccessKey, sessionToken = '' } = keysOf((await assume()).Credentials);
    const other = keysOf((await assume()).Credentials);
    const ask = (credentials: Keys): Promise<unknown> =>
      s3Of(credentials)
        .send(new GetObjectCommand({ Bucket, Key: 'in/a' }))
        .catch(codeOf);
    const tampered = `${sessionToken.slice(0, 100)}${sessionToken[100] === 'A' ? 'B' : 'A'}${sessionToken.slice(101)}`;
    expect(await ask({ accessKeyId, secretAccessKey })).toBe('InvalidToken');
    expect(await ask({ accessKeyId, secretAccessKey, sessionToken: tampered })).toBe('InvalidToken');
    expect(await ask({ accessKeyId, secretAccessKey, sessionToken: other.sessionToken ?? '' })).toBe('InvalidToken');
    expect(await ask({ ...toKeys(key), sessionToken })).toBe('InvalidToken');
    expect(await ask({ accessKeyId, secretAccessKey: key.secretKey, sessionToken })).toBe('SignatureDoesNotMatch');
  });

  it.each<[string, Partial<AssumeRoleCommand['input']>, string]>([
    ['a role of another tenant', { RoleArn: 'arn:aws:iam::default:role/worker' }, 'AccessDenied'],
    ['a role of nobody', { RoleArn: 'arn:aws:iam::000000000000:role/worker' }, 'AccessDenied'],
    ['what is no role', { RoleArn: 'arn:aws:iam::acme:user/alice' }, 'ValidationError'],
    ['less than a quarter of an hour', { DurationSeconds: 899 }, 'ValidationError'],
    ['more than twelve hours', { DurationSeconds: 43_201 }, 'ValidationError'],
    ['a session name with spaces', { RoleSessionName: 'a b' }, 'ValidationError'],
    ['a managed policy', { PolicyArns: [{ arn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }] }, 'ValidationError'],
    ['tags', { Tags: [{ Key: 'a', Value: 'b' }] }, 'ValidationError'],
    ['a policy that is no JSON', { Policy: '{' }, 'MalformedPolicyDocument'],
    ['a policy that is too long', { Policy: `{${' '.repeat(2_048)}}` }, 'ValidationError'],
  ])('are not issued for %s', async (_what, input, code) => {
    expect(await refusalOf(assume(input))).toMatchObject({ code });
  });

  it('have STS’s words for wrong keys, signatures and actions', async () => {
    const unknown = stsOf({ accessKeyId: 'AKIAUNKNOWN', secretAccessKey: 'x' });
    expect(await refusalOf(unknown.send(new GetCallerIdentityCommand({})))).toEqual({
      code: 'InvalidClientTokenId',
      status: 403,
    });
    const wrong = stsOf({ ...toKeys(key), secretAccessKey: 'wrong' });
    expect(await refusalOf(wrong.send(new GetCallerIdentityCommand({})))).toEqual({
      code: 'SignatureDoesNotMatch',
      status: 403,
    });
    const federation = stsOf(toKeys(key)).send(new GetFederationTokenCommand({ Name: 'somebody' }));
    expect(await refusalOf(federation)).toEqual({ code: 'InvalidAction', status: 400 });
    const unsigned = await fetch(suite.vaultaire.s3Endpoint, {
      method: 'POST',
      body: new URLSearchParams({ Action: 'GetCallerIdentity', Version: '2011-06-15' }),
    });
    expect(unsigned.status).toBe(403);
    expect(await unsigned.text()).toContain('<Code>MissingAuthenticationToken</Code>');
  });

  it('never let a form through that was changed on its way', async () => {
    const sts = stsOf(toKeys(key));
    sts.middlewareStack.add(
      (next) => (args) => {
        const request = args.request as { body: string };
        request.body = request.body.replace('DurationSeconds=900', 'DurationSeconds=999');
        return next(args);
      },
      { step: 'finalizeRequest', priority: 'low', name: 'forger' },
    );
    const forged = sts.send(new GetSessionTokenCommand({ DurationSeconds: 900 }));
    expect((await refusalOf(forged)).code).toBe('SignatureDoesNotMatch');
  });
});
