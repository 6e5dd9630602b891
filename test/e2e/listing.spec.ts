import type { ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
import {
  ListObjectsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { refusalOf } from './raw-answer';
import { useS3 } from './s3-suite';

const keysOf = (page: Pick<ListObjectsV2CommandOutput, 'Contents'>): (string | undefined)[] =>
  page.Contents?.map(({ Key }) => Key) ?? [];
const prefixesOf = (page: Pick<ListObjectsV2CommandOutput, 'CommonPrefixes'>): (string | undefined)[] =>
  page.CommonPrefixes?.map(({ Prefix }) => Prefix) ?? [];

describe('listings', () => {
  const suite = useS3();

  async function bucketWith(...keys: string[]): Promise<string> {
    const Bucket = await suite.newBucket();
    for (const Key of keys) await suite.s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
    return Bucket;
  }

  it('go by UTF-8 bytes, whatever the language', async () => {
    const keys = ['a', 'Z', 'ä', 'z', '\u{1f600}', '\uff5e', 'B'];
    const Bucket = await bucketWith(...keys);
    const sorted = keys
      .map((key) => Buffer.from(key))
      .sort(Buffer.compare)
      .map(String);
    expect(keysOf(await suite.s3.send(new ListObjectsV2Command({ Bucket })))).toEqual(sorted);
  });

  it('describe every key', async () => {
    const Bucket = await bucketWith('bar');
    const page = await suite.s3.send(new ListObjectsCommand({ Bucket }));
    expect(page).toMatchObject({ IsTruncated: false, MaxKeys: 1000, Marker: '', Name: Bucket, Prefix: '' });
    expect(page.Delimiter).toBeUndefined();
    expect(page.Contents).toEqual([
      expect.objectContaining({
        Key: 'bar',
        ETag: '"37b51d194a7513e45b56f6524f2d51f2"',
        Size: 3,
        StorageClass: 'STANDARD',
        Owner: expect.objectContaining({ ID: expect.stringMatching(/^[0-9a-f]{64}$/) }),
      }),
    ]);
  });

  it('name owners in version 2 only when asked to', async () => {
    const Bucket = await bucketWith('a');
    expect((await suite.s3.send(new ListObjectsV2Command({ Bucket }))).Contents?.[0]?.Owner).toBeUndefined();
    const page = await suite.s3.send(new ListObjectsV2Command({ Bucket, FetchOwner: true }));
    expect(page.Contents?.[0]?.Owner?.ID).toBeDefined();
  });

  it('group keys by a delimiter of any length', async () => {
    const Bucket = await bucketWith('asdf', 'boo/bar', 'boo/baz/xyzzy', 'cquux/thud', 'cquux/bla', 'x::y::z', 'x::w');
    const slash = await suite.s3.send(new ListObjectsV2Command({ Bucket, Delimiter: '/' }));
    expect(keysOf(slash)).toEqual(['asdf', 'x::w', 'x::y::z']);
    expect(prefixesOf(slash)).toEqual(['boo/', 'cquux/']);
    expect(slash.KeyCount).toBe(5);
    const inside = await suite.s3.send(new ListObjectsV2Command({ Bucket, Delimiter: '/', Prefix: 'boo/' }));
    expect(keysOf(inside)).toEqual(['boo/bar']);
    expect(prefixesOf(inside)).toEqual(['boo/baz/']);
    const colons = await suite.s3.send(new ListObjectsV2Command({ Bucket, Delimiter: '::', Prefix: 'x' }));
    expect(prefixesOf(colons)).toEqual(['x::']);
  });

  it.each([1, 2, 3, 100])('give each key and prefix once in pages of %p', async (MaxKeys) => {
    const Bucket = await bucketWith('a/1', 'a/2', 'b', 'c/1', 'd', 'd/x', 'e');
    const keys: (string | undefined)[] = [];
    const prefixes: (string | undefined)[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page: ListObjectsV2CommandOutput = await suite.s3.send(
        new ListObjectsV2Command({ Bucket, MaxKeys, Delimiter: '/', ContinuationToken }),
      );
      expect(page.KeyCount).toBeLessThanOrEqual(MaxKeys);
      keys.push(...keysOf(page));
      prefixes.push(...prefixesOf(page));
      expect(page.IsTruncated).toBe(page.NextContinuationToken !== undefined);
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
    expect(keys).toEqual(['b', 'd', 'e']);
    expect(prefixes).toEqual(['a/', 'c/', 'd/']);
  });

  it('tell the next marker of version 1 with a delimiter only', async () => {
    const Bucket = await bucketWith('a', 'b/1', 'c');
    const plain = await suite.s3.send(new ListObjectsCommand({ Bucket, MaxKeys: 1 }));
    expect(plain.IsTruncated).toBe(true);
    expect(plain.NextMarker).toBeUndefined();
    const grouped = await suite.s3.send(new ListObjectsCommand({ Bucket, MaxKeys: 2, Delimiter: '/' }));
    expect(grouped.NextMarker).toBe('b/');
    const rest = await suite.s3.send(new ListObjectsCommand({ Bucket, Delimiter: '/', Marker: 'b/' }));
    expect(keysOf(rest)).toEqual(['c']);
    expect(prefixesOf(rest)).toEqual([]);
  });

  it('begin after any marker, whether it is a key or not', async () => {
    const Bucket = await bucketWith('bar', 'baz', 'foo', 'quxx');
    expect(keysOf(await suite.s3.send(new ListObjectsCommand({ Bucket, Marker: 'blah' })))).toEqual(['foo', 'quxx']);
    expect(keysOf(await suite.s3.send(new ListObjectsCommand({ Bucket, Marker: 'zzz' })))).toEqual([]);
    const page = await suite.s3.send(new ListObjectsV2Command({ Bucket, StartAfter: 'bar', MaxKeys: 1 }));
    expect(keysOf(page)).toEqual(['baz']);
    expect(page.StartAfter).toBe('bar');
    const next = await suite.s3.send(
      new ListObjectsV2Command({ Bucket, StartAfter: 'bar', ContinuationToken: page.NextContinuationToken }),
    );
    expect(keysOf(next)).toEqual(['foo', 'quxx']);
    expect(next.ContinuationToken).toBe(page.NextContinuationToken);
  });

  it('are empty for max-keys 0, and 1,000 long at the most', async () => {
    const Bucket = await bucketWith('a');
    const none = await suite.s3.send(new ListObjectsV2Command({ Bucket, MaxKeys: 0 }));
    expect(none).toMatchObject({ KeyCount: 0, IsTruncated: false, MaxKeys: 0 });
    expect((await suite.s3.send(new ListObjectsV2Command({ Bucket, MaxKeys: 5000 }))).MaxKeys).toBe(1000);
  });

  it('refuse parameters that make no sense', async () => {
    const Bucket = await bucketWith('a');
    const refused = { code: 'InvalidArgument', status: 400 };
    expect(await refusalOf(suite.s3.send(new ListObjectsV2Command({ Bucket, MaxKeys: -1 })))).toEqual(refused);
    expect(await refusalOf(suite.s3.send(new ListObjectsV2Command({ Bucket, ContinuationToken: '!!' })))).toEqual(
      refused,
    );
    expect(await refusalOf(suite.s3.send(new ListObjectVersionsCommand({ Bucket, VersionIdMarker: 'x' })))).toEqual(
      refused,
    );
    const encoding = suite.s3.send(new ListObjectsV2Command({ Bucket, EncodingType: 'base64' as 'url' }));
    expect(await refusalOf(encoding)).toEqual(refused);
    const nowhere = suite.s3.send(new ListObjectsV2Command({ Bucket: 'no-such-bucket-here' }));
    expect(await refusalOf(nowhere)).toEqual({ code: 'NoSuchBucket', status: 404 });
  });

  it('encode what XML cannot carry', async () => {
    const Bucket = await bucketWith('foo+1/bar', 'foo/bar/xyzzy', 'quux ab/thud', 'asdf+b', 'ctl\x01\n');
    const page = await suite.s3.send(new ListObjectsV2Command({ Bucket, Delimiter: '/', EncodingType: 'url' }));
    expect(page).toMatchObject({ Delimiter: '/', EncodingType: 'url' });
    expect(keysOf(page)).toEqual(['asdf%2Bb', 'ctl%01%0A']);
    expect(prefixesOf(page)).toEqual(['foo%2B1/', 'foo/', 'quux%20ab/']);
  });

  it('of versions work on a bucket that never kept any', async () => {
    const Bucket = await bucketWith('a', 'b/1', 'b/2');
    const page = await suite.s3.send(new ListObjectVersionsCommand({ Bucket, Delimiter: '/' }));
    expect(page.Versions).toEqual([expect.objectContaining({ Key: 'a', VersionId: 'null', IsLatest: true, Size: 1 })]);
    expect(prefixesOf(page)).toEqual(['b/']);
    expect(page.DeleteMarkers).toBeUndefined();
  });

  it('lose no key over a page boundary', async () => {
    const Bucket = await suite.newBucket();
    const keys = Array.from({ length: 1005 }, (_, index) => `k${String(index).padStart(5, '0')}`);
    for (let at = 0; at < keys.length; at += 50) {
      await Promise.all(
        keys.slice(at, at + 50).map((Key) => suite.s3.send(new PutObjectCommand({ Bucket, Key, Body: '' }))),
      );
    }
    const first = await suite.s3.send(new ListObjectsV2Command({ Bucket }));
    expect(first.KeyCount).toBe(1000);
    const { NextContinuationToken: ContinuationToken } = first;
    const second = await suite.s3.send(new ListObjectsV2Command({ Bucket, ContinuationToken }));
    expect([...keysOf(first), ...keysOf(second)]).toEqual(keys);
  }, 60_000);
});
