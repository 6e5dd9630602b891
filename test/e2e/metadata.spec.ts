import {
  DeleteObjectTaggingCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3';
import { refusalOf, sendRaw } from './raw-answer';
import { useS3 } from './s3-suite';

describe('what is kept with an object', () => {
  const suite = useS3();

  it('is every content header, as it came', async () => {
    const Bucket = await suite.newBucket();
    const input = {
      ContentType: 'text/html; charset=UTF-8',
      CacheControl: 'public, max-age=14400',
      ContentDisposition: 'attachment; filename="a.html"',
      ContentEncoding: 'gzip',
      ContentLanguage: 'de-CH',
      WebsiteRedirectLocation: '/elsewhere',
    };
    await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', ...input, Expires: new Date(0) }));
    const head = await sendRaw(suite.s3, new HeadObjectCommand({ Bucket, Key: 'k' }));
    expect(head.headers).toMatchObject({
      'content-type': input.ContentType,
      'cache-control': input.CacheControl,
      'content-disposition': input.ContentDisposition,
      'content-encoding': 'gzip',
      'content-language': 'de-CH',
      'x-amz-website-redirect-location': '/elsewhere',
      expires: 'Thu, 01 Jan 1970 00:00:00 GMT',
    });
  });

  it.each([
    ['gzip, aws-chunked', 'gzip'],
    ['aws-chunked, gzip', 'gzip'],
    ['deflate, gzip', 'deflate, gzip'],
    ['aws-chunked', undefined],
  ])('is the content encoding %p without that of the transfer', async (ContentEncoding, expected) => {
    const Bucket = await suite.newBucket();
    await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: '', ContentEncoding }));
    expect((await suite.s3.send(new HeadObjectCommand({ Bucket, Key: 'k' }))).ContentEncoding).toBe(expected);
  });

  it('is user metadata, empty values included', async () => {
    const Bucket = await suite.newBucket();
    const Metadata = { one: 'mymeta', empty: '', 'with-dash': 'a, b; "c"' };
    await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', Metadata }));
    expect((await suite.s3.send(new GetObjectCommand({ Bucket, Key: 'k' }))).Metadata).toEqual(Metadata);
  });

  it('is metadata beyond ASCII, in RFC 2047 form', async () => {
    const Bucket = await suite.newBucket();
    const word = `=?UTF-8?B?${Buffer.from('Grüße 語').toString('base64')}?=`;
    await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', Metadata: { hello: word } }));
    expect((await suite.s3.send(new HeadObjectCommand({ Bucket, Key: 'k' }))).Metadata).toEqual({ hello: word });
    const quoted = '=?utf-8?Q?Gr=C3=BC=C3=9Fe_=E8=AA=9E?=';
    await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', Metadata: { hello: quoted } }));
    expect((await suite.s3.send(new HeadObjectCommand({ Bucket, Key: 'k' }))).Metadata).toEqual({ hello: word });
  });

  it('is at most 2 KB of metadata', async () => {
    const Bucket = await suite.newBucket();
    await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', Metadata: { a: 'x'.repeat(2047) } }));
    const put = suite.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', Metadata: { a: 'x'.repeat(2048) } }));
    expect(await refusalOf(put)).toEqual({ code: 'MetadataTooLarge', status: 400 });
  });

  it('can be replaced in one answer, without a line of its own getting in', async () => {
    const Bucket = await suite.newBucket();
    await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', ContentType: 'a/b' }));
    const get = await sendRaw(
      suite.s3,
      new GetObjectCommand({
        Bucket,
        Key: 'k',
        ResponseCacheControl: 'no-cache',
        ResponseContentDisposition: 'attachment; filename="é"',
        ResponseContentEncoding: 'aaa',
        ResponseContentLanguage: 'esperanto',
        ResponseContentType: 'foo/bar',
      }),
    );
    expect(get.headers).toMatchObject({
      'cache-control': 'no-cache',
      'content-encoding': 'aaa',
      'content-language': 'esperanto',
      'content-type': 'foo/bar',
    });
    const injected = new GetObjectCommand({ Bucket, Key: 'k', ResponseContentType: 'a/b\r\nset-cookie: c=d' });
    expect(await refusalOf(suite.s3.send(injected))).toEqual({ code: 'InvalidArgument', status: 400 });
  });

  it('is a storage class, of those that S3 knows', async () => {
    const Bucket = await suite.newBucket();
    await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', StorageClass: 'STANDARD_IA' }));
    expect((await suite.s3.send(new HeadObjectCommand({ Bucket, Key: 'k' }))).StorageClass).toBe('STANDARD_IA');
    await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', StorageClass: 'STANDARD' }));
    expect((await suite.s3.send(new HeadObjectCommand({ Bucket, Key: 'k' }))).StorageClass).toBeUndefined();
    const put = suite.s3.send(
      new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', StorageClass: 'CHEAP' as 'STANDARD' }),
    );
    expect(await refusalOf(put)).toEqual({ code: 'InvalidStorageClass', status: 400 });
  });

  describe('as tags', () => {
    const tagSet = (count: number): { Key: string; Value: string }[] =>
      Array.from({ length: count }, (_, index) => ({ Key: `key${index}`, Value: `value ${index}` }));

    it('comes with the object or later, and goes', async () => {
      const Bucket = await suite.newBucket();
      const address = { Bucket, Key: 'k' };
      const tags = async (): Promise<unknown> => (await suite.s3.send(new GetObjectTaggingCommand(address))).TagSet;
      await suite.s3.send(new PutObjectCommand({ ...address, Body: 'x', Tagging: 'foo=a+b&bar' }));
      expect(await tags()).toEqual([
        { Key: 'bar', Value: '' },
        { Key: 'foo', Value: 'a b' },
      ]);
      const before = await suite.s3.send(new HeadObjectCommand(address));
      await suite.s3.send(new PutObjectTaggingCommand({ ...address, Tagging: { TagSet: tagSet(10) } }));
      expect(await tags()).toHaveLength(10);
      const after = await sendRaw(suite.s3, new HeadObjectCommand(address));
      expect(after.headers['x-amz-tagging-count']).toBe('10');
      expect(after.headers.etag).toBe(before.ETag);
      expect((await sendRaw(suite.s3, new DeleteObjectTaggingCommand(address))).status).toBe(204);
      expect(await tags()).toEqual([]);
    });

    it('is refused beyond the limits of S3', async () => {
      const Bucket = await suite.newBucket();
      const address = { Bucket, Key: 'k' };
      await suite.s3.send(new PutObjectCommand({ ...address, Body: 'x' }));
      const put = (TagSet: { Key: string; Value: string }[]): Promise<unknown> =>
        suite.s3.send(new PutObjectTaggingCommand({ ...address, Tagging: { TagSet } }));
      const refused = { code: 'InvalidTag', status: 400 };
      expect(await refusalOf(put(tagSet(11)))).toEqual(refused);
      expect(await refusalOf(put([{ Key: 'k'.repeat(129), Value: '' }]))).toEqual(refused);
      expect(await refusalOf(put([{ Key: 'k', Value: 'v'.repeat(257) }]))).toEqual(refused);
      expect((await suite.s3.send(new GetObjectTaggingCommand(address))).TagSet).toEqual([]);
      const missing = suite.s3.send(new GetObjectTaggingCommand({ Bucket, Key: 'missing' }));
      expect(await refusalOf(missing)).toEqual({ code: 'NoSuchKey', status: 404 });
    });
  });
});
