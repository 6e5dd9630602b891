import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectAclCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectAclCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { refusalOf, sendRaw } from './raw-answer';
import { textOf, useS3 } from './s3-suite';

describe('objects', () => {
  const suite = useS3();

  it('gives back what was put, with its ETag, length and time', async () => {
    const Bucket = await suite.newBucket();
    const put = await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'foo', Body: 'bar' }));
    expect(put.ETag).toBe('"37b51d194a7513e45b56f6524f2d51f2"');
    const get = await suite.s3.send(new GetObjectCommand({ Bucket, Key: 'foo' }));
    expect(await textOf(get)).toBe('bar');
    expect(get).toMatchObject({
      ETag: put.ETag,
      ContentLength: 3,
      AcceptRanges: 'bytes',
      ContentType: 'application/octet-stream',
    });
    expect(get.VersionId).toBeUndefined();
    const head = await suite.s3.send(new HeadObjectCommand({ Bucket, Key: 'foo' }));
    expect(head).toMatchObject({ ETag: put.ETag, ContentLength: 3 });
    expect(Math.abs(Date.now() - (head.LastModified?.getTime() ?? 0))).toBeLessThan(60_000);
  });

  it.each([0, 1, 4096, 70_000, 5_000_000])('gives back %p bytes', async (size) => {
    const Bucket = await suite.newBucket();
    const Body = Buffer.alloc(size, 'abcdefg');
    await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body }));
    const get = await suite.s3.send(new GetObjectCommand({ Bucket, Key: 'k' }));
    expect(Body.equals(Buffer.from((await get.Body?.transformToByteArray()) ?? []))).toBe(true);
    expect((await suite.s3.send(new HeadObjectCommand({ Bucket, Key: 'k' }))).ContentLength).toBe(size);
  });

  it('mixes no bodies of clients that read at once, some of which go away', async () => {
    const Bucket = await suite.newBucket();
    const bodies = [17_000, 65_536, 100_000, 262_144, 700_000, 3_000_000].map((size) => randomBytes(size));
    const put = (Body: Buffer, index: number): Promise<unknown> =>
      suite.s3.send(new PutObjectCommand({ Bucket, Key: String(index), Body }));
    await Promise.all(bodies.map(put));
    const read = async (turn: number): Promise<void> => {
      const index = turn % bodies.length;
      const { Body } = await suite.s3.send(new GetObjectCommand({ Bucket, Key: String(index) }));
      if (!(Body instanceof Readable)) throw new Error('there is no body');
      const digest = createHash('md5');
      for await (const piece of Body) {
        digest.update(piece);
        // It leaves what it has not read yet on its way.
        if (turn % 4 === 3) return;
      }
      const expected = createHash('md5').update(bodies[index] ?? '');
      expect(digest.digest('hex')).toBe(expected.digest('hex'));
    };
    let turn = 0;
    const reader = async (): Promise<void> => {
      while (turn < 240) await read((turn += 1));
    };
    await Promise.all(Array.from({ length: 12 }, reader));
  });

  it('tells apart keys that file systems and routers would not', async () => {
    const Bucket = await suite.newBucket();
    const keys = [
      'x',
      'x/',
      'x/y',
      'a//b',
      '../x',
      '.',
      './',
      'a+b',
      'a b',
      'a%2Fb',
      'é',
      '?versionId',
      '&=',
      'k'.repeat(1024),
    ];
    for (const Key of keys) await suite.s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
    for (const Key of keys) {
      expect(await textOf(await suite.s3.send(new GetObjectCommand({ Bucket, Key })))).toBe(Key);
    }
    const listed = await suite.s3.send(new ListObjectsV2Command({ Bucket }));
    expect(listed.Contents?.map(({ Key }) => Key).sort()).toEqual([...keys].sort());
  });

  it('refuses a key of more than 1,024 bytes', async () => {
    const Bucket = await suite.newBucket();
    const put = suite.s3.send(new PutObjectCommand({ Bucket, Key: 'k'.repeat(1025), Body: '' }));
    expect(await refusalOf(put)).toEqual({ code: 'KeyTooLongError', status: 400 });
  });

  it('overwrites whole', async () => {
    const Bucket = await suite.newBucket();
    await suite.s3.send(
      new PutObjectCommand({ Bucket, Key: 'k', Body: 'first', Metadata: { a: '1' }, ContentType: 'x/y' }),
    );
    await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'second' }));
    const get = await suite.s3.send(new GetObjectCommand({ Bucket, Key: 'k' }));
    expect(await textOf(get)).toBe('second');
    expect(get.Metadata).toEqual({});
  });

  it('answers NoSuchKey and NoSuchBucket', async () => {
    const Bucket = await suite.newBucket();
    const missing = { Bucket: `${Bucket}-missing`, Key: 'k' };
    expect(await refusalOf(suite.s3.send(new GetObjectCommand({ Bucket, Key: 'k' })))).toEqual({
      code: 'NoSuchKey',
      status: 404,
    });
    expect(await refusalOf(suite.s3.send(new GetObjectCommand(missing)))).toEqual({
      code: 'NoSuchBucket',
      status: 404,
    });
    expect(await refusalOf(suite.s3.send(new PutObjectCommand({ ...missing, Body: 'x' })))).toEqual({
      code: 'NoSuchBucket',
      status: 404,
    });
    expect(await refusalOf(suite.s3.send(new DeleteObjectCommand(missing)))).toEqual({
      code: 'NoSuchBucket',
      status: 404,
    });
    expect((await refusalOf(suite.s3.send(new HeadObjectCommand({ Bucket, Key: 'k' })))).status).toBe(404);
  });

  it('deletes, and calls a missing key deleted', async () => {
    const Bucket = await suite.newBucket();
    await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }));
    for (let times = 0; times < 2; times++) {
      const answer = await sendRaw(suite.s3, new DeleteObjectCommand({ Bucket, Key: 'k' }));
      expect(answer.status).toBe(204);
      expect(answer.headers).not.toHaveProperty('x-amz-delete-marker');
    }
    expect((await refusalOf(suite.s3.send(new GetObjectCommand({ Bucket, Key: 'k' })))).code).toBe('NoSuchKey');
  });

  it('deletes many keys, quietly if asked to', async () => {
    const Bucket = await suite.newBucket();
    const keys = Array.from({ length: 150 }, (_, index) => `key<&>"${index}`);
    for (const Key of keys) await suite.s3.send(new PutObjectCommand({ Bucket, Key, Body: '' }));
    const Objects = keys.map((Key) => ({ Key }));
    const deleted = await suite.s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    expect(deleted.Deleted?.map(({ Key }) => Key)).toEqual(keys);
    expect(deleted.Errors).toBeUndefined();
    const again = await suite.s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }));
    expect(again.Deleted).toBeUndefined();
    expect((await suite.s3.send(new ListObjectsV2Command({ Bucket }))).KeyCount).toBe(0);
  });

  it('refuses a batch of more than 1,000 keys, or of none', async () => {
    const Bucket = await suite.newBucket();
    const Objects = Array.from({ length: 1001 }, (_, index) => ({ Key: `k${index}` }));
    const many = suite.s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    expect(await refusalOf(many)).toEqual({ code: 'MalformedXML', status: 400 });
    const none = suite.s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [] } }));
    expect(await refusalOf(none)).toEqual({ code: 'MalformedXML', status: 400 });
  });

  it('holds single and batch deletes to their conditions', async () => {
    const Bucket = await suite.newBucket();
    const { ETag } = await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }));
    const wrong = suite.s3.send(new DeleteObjectCommand({ Bucket, Key: 'k', IfMatch: '"badetag"' }));
    expect(await refusalOf(wrong)).toEqual({ code: 'PreconditionFailed', status: 412 });
    const batch = await suite.s3.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'k', ETag: '"badetag"' }, { Key: 'other' }] } }),
    );
    expect(batch.Errors).toEqual([expect.objectContaining({ Key: 'k', Code: 'PreconditionFailed' })]);
    expect(batch.Deleted).toEqual([{ Key: 'other' }]);
    expect((await sendRaw(suite.s3, new DeleteObjectCommand({ Bucket, Key: 'k', IfMatch: ETag }))).status).toBe(204);
  });

  it('tells the attributes that were asked for', async () => {
    const Bucket = await suite.newBucket();
    await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'bar', ChecksumAlgorithm: 'SHA256' }));
    const answer = await suite.s3.send(
      new GetObjectAttributesCommand({
        Bucket,
        Key: 'k',
        ObjectAttributes: ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'],
      }),
    );
    expect(answer).toMatchObject({
      ETag: '37b51d194a7513e45b56f6524f2d51f2',
      ObjectSize: 3,
      StorageClass: 'STANDARD',
      Checksum: { ChecksumSHA256: '/N4rLtula/QIYB+3If6bXDONEO5CnqBPrlURto+/j7k=', ChecksumType: 'FULL_OBJECT' },
    });
    expect(answer.ObjectParts).toBeUndefined();
    const some = await suite.s3.send(
      new GetObjectAttributesCommand({ Bucket, Key: 'k', ObjectAttributes: ['ObjectSize'] }),
    );
    expect(some.ETag).toBeUndefined();
    expect(some.ObjectSize).toBe(3);
  });

  it('answers the ACL of a bucket that has ACLs disabled, and takes no other', async () => {
    const Bucket = await suite.newBucket();
    await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: '' }));
    const acl = await suite.s3.send(new GetObjectAclCommand({ Bucket, Key: 'k' }));
    expect(acl.Grants).toEqual([
      { Grantee: expect.objectContaining({ ID: acl.Owner?.ID, Type: 'CanonicalUser' }), Permission: 'FULL_CONTROL' },
    ]);
    await suite.s3.send(new PutObjectAclCommand({ Bucket, Key: 'k', ACL: 'private' }));
    await suite.s3.send(
      new PutObjectAclCommand({ Bucket, Key: 'k', AccessControlPolicy: { Owner: acl.Owner, Grants: acl.Grants } }),
    );
    const open = suite.s3.send(new PutObjectAclCommand({ Bucket, Key: 'k', ACL: 'public-read' }));
    expect(await refusalOf(open)).toEqual({ code: 'AccessControlListNotSupported', status: 400 });
    const openPut = suite.s3.send(new PutObjectCommand({ Bucket, Key: 'new', Body: '', ACL: 'public-read' }));
    expect(await refusalOf(openPut)).toEqual({ code: 'AccessControlListNotSupported', status: 400 });
  });

  it('leaves the old object alone when a header of its replacement is refused', async () => {
    const Bucket = await suite.newBucket();
    await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'old' }));
    for (const input of [
      { ServerSideEncryption: 'AES256' },
      { StorageClass: 'CHEAP' },
      { Tagging: 'a=1&a=2' },
      { Metadata: { a: 'x'.repeat(3000) } },
      { ObjectLockLegalHoldStatus: 'ON' },
      { ContentMD5: 'rL0Y20xC+Fzt72VPzMSk2A==' },
    ] as object[]) {
      const put = suite.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'new', ...input }));
      expect((await refusalOf(put)).status).toBeGreaterThanOrEqual(400);
    }
    expect(await textOf(await suite.s3.send(new GetObjectCommand({ Bucket, Key: 'k' })))).toBe('old');
  });

  it('refuses a bucket owner other than the expected one', async () => {
    const Bucket = await suite.newBucket();
    const owner = (
      await suite.s3
        .send(new PutObjectCommand({ Bucket, Key: 'k', Body: '' }))
        .then(() => suite.s3.send(new GetObjectAclCommand({ Bucket, Key: 'k' })))
    ).Owner?.ID;
    const wrong = suite.s3.send(new GetObjectCommand({ Bucket, Key: 'k', ExpectedBucketOwner: '111122223333' }));
    expect(await refusalOf(wrong)).toEqual({ code: 'AccessDenied', status: 403 });
    await suite.s3.send(new GetObjectCommand({ Bucket, Key: 'k', ExpectedBucketOwner: owner }));
  });
});
