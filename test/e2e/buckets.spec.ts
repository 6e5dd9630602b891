import type { BucketLocationConstraint } from '@aws-sdk/client-s3';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteBucketTaggingCommand,
  GetBucketAclCommand,
  GetBucketLocationCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  PutBucketAclCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { refusalOf, sendRaw } from './raw-answer';
import { useS3 } from './s3-suite';

describe('buckets', () => {
  const suite = useS3();

  it('are made, found, listed and deleted', async () => {
    const Bucket = await suite.newBucket();
    const head = await sendRaw(suite.s3, new HeadBucketCommand({ Bucket }));
    expect(head.status).toBe(200);
    expect(head.headers['x-amz-bucket-region']).toBe('us-east-1');
    const listed = await suite.s3.send(new ListBucketsCommand({}));
    expect(listed.Buckets?.map(({ Name }) => Name)).toContain(Bucket);
    expect(listed.Owner?.ID).toMatch(/^[0-9a-f]{64}$/);
    expect((await sendRaw(suite.s3, new DeleteBucketCommand({ Bucket }))).status).toBe(204);
    expect(await refusalOf(suite.s3.send(new DeleteBucketCommand({ Bucket })))).toEqual({
      code: 'NoSuchBucket',
      status: 404,
    });
    expect((await refusalOf(suite.s3.send(new HeadBucketCommand({ Bucket })))).status).toBe(404);
  });

  it('are answered with 200 when their owner makes them again in us-east-1', async () => {
    const Bucket = await suite.newBucket();
    await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'kept', Body: '' }));
    expect((await sendRaw(suite.s3, new CreateBucketCommand({ Bucket }))).status).toBe(200);
    expect(await refusalOf(suite.s3.send(new DeleteBucketCommand({ Bucket })))).toEqual({
      code: 'BucketNotEmpty',
      status: 409,
    });
  });

  it.each(['ab', 'Upper', 'under_score', '192.168.5.4', 'xn--bucket', 'a..b', '-abc', 'abc-s3alias', 'x'.repeat(64)])(
    'may not be called %p',
    async (Bucket) => {
      expect(await refusalOf(suite.s3.send(new CreateBucketCommand({ Bucket })))).toEqual({
        code: 'InvalidBucketName',
        status: 400,
      });
    },
  );

  it('are made where the endpoint is, or not at all', async () => {
    const create = (LocationConstraint: string): Promise<unknown> =>
      suite.s3.send(
        new CreateBucketCommand({
          Bucket: 'somewhere-else',
          CreateBucketConfiguration: { LocationConstraint: LocationConstraint as BucketLocationConstraint },
        }),
      );
    expect((await refusalOf(create('eu-west-1'))).code).toBe('IllegalLocationConstraintException');
    expect((await refusalOf(create('the-moon'))).code).toBe('InvalidLocationConstraint');
    const Bucket = await suite.newBucket();
    expect((await suite.s3.send(new GetBucketLocationCommand({ Bucket }))).LocationConstraint).toBeUndefined();
  });

  it('are not made with what they could not keep', async () => {
    const create = (input: object): Promise<unknown> =>
      suite.s3.send(new CreateBucketCommand({ Bucket: 'never-made', ...input }));
    expect((await refusalOf(create({ ACL: 'public-read' }))).code).toBe('InvalidBucketAclWithObjectOwnership');
    expect((await refusalOf(create({ ObjectLockEnabledForBucket: true }))).code).toBe('NotImplemented');
    expect((await refusalOf(create({ ObjectOwnership: 'Nobody' }))).code).toBe('InvalidArgument');
    expect((await refusalOf(suite.s3.send(new HeadBucketCommand({ Bucket: 'never-made' })))).status).toBe(404);
  });

  it('are listed by prefix and page by page', async () => {
    const names = ['paged-a', 'paged-b', 'paged-c'];
    for (const Bucket of names) await suite.s3.send(new CreateBucketCommand({ Bucket }));
    const found: (string | undefined)[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page = await suite.s3.send(new ListBucketsCommand({ Prefix: 'paged-', MaxBuckets: 1, ContinuationToken }));
      expect(page.Buckets).toHaveLength(1);
      found.push(page.Buckets?.[0]?.Name);
      ContinuationToken = page.ContinuationToken;
    } while (ContinuationToken !== undefined);
    expect(found).toEqual(names);
    expect((await suite.s3.send(new ListBucketsCommand({ BucketRegion: 'eu-west-1' }))).Buckets ?? []).toEqual([]);
  });

  it('keep tags', async () => {
    const Bucket = await suite.newBucket();
    expect(await refusalOf(suite.s3.send(new GetBucketTaggingCommand({ Bucket })))).toEqual({
      code: 'NoSuchTagSet',
      status: 404,
    });
    const TagSet = [{ Key: 'Hello', Value: 'World' }];
    await suite.s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }));
    expect((await suite.s3.send(new GetBucketTaggingCommand({ Bucket }))).TagSet).toEqual(TagSet);
    expect((await sendRaw(suite.s3, new DeleteBucketTaggingCommand({ Bucket }))).status).toBe(204);
    expect((await refusalOf(suite.s3.send(new GetBucketTaggingCommand({ Bucket })))).code).toBe('NoSuchTagSet');
  });

  it('tell and change whether they keep versions', async () => {
    const Bucket = await suite.newBucket();
    const status = async (): Promise<string | undefined> =>
      (await suite.s3.send(new GetBucketVersioningCommand({ Bucket }))).Status;
    expect(await status()).toBeUndefined();
    for (const Status of ['Enabled', 'Suspended'] as const) {
      await suite.s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));
      expect(await status()).toBe(Status);
    }
    const mfa = suite.s3.send(
      new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled', MFADelete: 'Enabled' } }),
    );
    expect(await refusalOf(mfa)).toEqual({ code: 'NotImplemented', status: 501 });
  });

  it('have the ACL of their owner and no other', async () => {
    const Bucket = await suite.newBucket();
    const acl = await suite.s3.send(new GetBucketAclCommand({ Bucket }));
    expect(acl.Grants).toHaveLength(1);
    await suite.s3.send(new PutBucketAclCommand({ Bucket, ACL: 'private' }));
    const open = suite.s3.send(new PutBucketAclCommand({ Bucket, ACL: 'public-read' }));
    expect(await refusalOf(open)).toEqual({ code: 'AccessControlListNotSupported', status: 400 });
  });
});
