import type { GetObjectCommandInput } from '@aws-sdk/client-s3';
import { DeleteObjectCommand, GetObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { RawAnswer } from './raw-answer';
import { refusalOf, sendRaw } from './raw-answer';
import { textOf, useS3 } from './s3-suite';

const PAST = new Date('2001-01-01T00:00:00Z');
const failed = { code: 'PreconditionFailed', status: 412 };

describe('conditional requests', () => {
  const suite = useS3();
  let Bucket: string;
  let ETag: string;

  beforeAll(async () => {
    Bucket = await suite.newBucket();
    const put = await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'bar' }));
    ETag = put.ETag ?? '';
  });

  const get = (input: Partial<GetObjectCommandInput>, headers: Record<string, string> = {}): Promise<RawAnswer> =>
    sendRaw(suite.s3, new GetObjectCommand({ Bucket, Key: 'k', ...input }), headers);

  it('read with If-Match', async () => {
    expect((await get({ IfMatch: ETag })).status).toBe(200);
    expect((await get({ IfMatch: '*' })).status).toBe(200);
    expect((await get({ IfMatch: `"other", ${ETag}` })).status).toBe(200);
    expect((await get({ IfMatch: '"ABCORZ"' })).status).toBe(412);
    expect((await get({ IfMatch: `W/${ETag}` })).status).toBe(412);
  });

  it('read with If-None-Match, and tell an unchanged object by 304', async () => {
    const same = await get({ IfNoneMatch: ETag });
    expect(same.status).toBe(304);
    expect(same.headers).toMatchObject({ etag: ETag, 'last-modified': expect.any(String) });
    expect((await get({ IfNoneMatch: `W/${ETag}` })).status).toBe(304);
    expect((await get({ IfNoneMatch: 'ABCORZ' })).status).toBe(200);
    const head = await sendRaw(suite.s3, new HeadObjectCommand({ Bucket, Key: 'k', IfNoneMatch: ETag }));
    expect(head.status).toBe(304);
  });

  it('read with dates, and ignore those that are none', async () => {
    expect((await get({ IfModifiedSince: PAST })).status).toBe(200);
    expect((await get({ IfModifiedSince: new Date() })).status).toBe(304);
    expect((await get({ IfUnmodifiedSince: PAST })).status).toBe(412);
    expect((await get({ IfUnmodifiedSince: new Date() })).status).toBe(200);
    expect((await get({}, { 'if-modified-since': 'yesterday' })).status).toBe(200);
  });

  it('let ETags take precedence over dates', async () => {
    expect((await get({ IfMatch: ETag, IfUnmodifiedSince: PAST })).status).toBe(200);
    expect((await get({ IfNoneMatch: ETag, IfModifiedSince: PAST })).status).toBe(304);
    expect((await get({ IfNoneMatch: '"other"', IfModifiedSince: new Date() })).status).toBe(200);
  });

  it('put only what is not there', async () => {
    const put = (): Promise<unknown> =>
      suite.s3.send(new PutObjectCommand({ Bucket, Key: 'once', Body: 'first', IfNoneMatch: '*' }));
    await put();
    expect(await refusalOf(put())).toEqual(failed);
    await suite.s3.send(new DeleteObjectCommand({ Bucket, Key: 'once' }));
    await put();
  });

  it('let exactly one of many concurrent creators through', async () => {
    const attempts = Array.from({ length: 20 }, (_, index) =>
      suite.s3.send(new PutObjectCommand({ Bucket, Key: 'race', Body: `writer ${index}`, IfNoneMatch: '*' })).then(
        () => `writer ${index}`,
        () => undefined,
      ),
    );
    const winners = (await Promise.all(attempts)).filter((winner) => winner !== undefined);
    expect(winners).toHaveLength(1);
    expect(await textOf(await suite.s3.send(new GetObjectCommand({ Bucket, Key: 'race' })))).toBe(winners[0]);
  });

  it('overwrite only the expected object', async () => {
    const first = await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'cas', Body: 'one' }));
    const wrong = suite.s3.send(new PutObjectCommand({ Bucket, Key: 'cas', Body: 'two', IfMatch: '"ABCORZ"' }));
    expect(await refusalOf(wrong)).toEqual(failed);
    await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'cas', Body: 'two', IfMatch: first.ETag }));
    const nothing = suite.s3.send(new PutObjectCommand({ Bucket, Key: 'nothing', Body: 'x', IfMatch: '*' }));
    expect(await refusalOf(nothing)).toEqual({ code: 'NoSuchKey', status: 404 });
  });

  it('refuse dates on a write', async () => {
    const put = await sendRaw(suite.s3, new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }), {
      'if-unmodified-since': PAST.toUTCString(),
    });
    expect(put).toMatchObject({ status: 501, code: 'NotImplemented' });
  });
});
