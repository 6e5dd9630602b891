import { GetObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { refusalOf, sendRaw } from './raw-answer';
import { textOf, useS3 } from './s3-suite';

describe('ranges', () => {
  const suite = useS3();
  const content = 'testcontent';
  let Bucket: string;

  beforeAll(async () => {
    Bucket = await suite.newBucket();
    await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: content, Metadata: { a: 'b' } }));
    await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'empty', Body: '' }));
    await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'large', Body: Buffer.alloc(3_000_000, '0123456789') }));
  });

  it.each([
    ['bytes=4-7', 'cont', 'bytes 4-7/11'],
    ['bytes=4-', 'content', 'bytes 4-10/11'],
    ['bytes=-7', 'content', 'bytes 4-10/11'],
    ['bytes=-100', 'testcontent', 'bytes 0-10/11'],
    ['bytes=4-100', 'content', 'bytes 4-10/11'],
    ['bytes=0-0', 't', 'bytes 0-0/11'],
  ])('answers %s with 206', async (Range, text, contentRange) => {
    const get = await suite.s3.send(new GetObjectCommand({ Bucket, Key: 'k', Range }));
    expect(get.$metadata.httpStatusCode).toBe(206);
    expect(get).toMatchObject({ ContentRange: contentRange, ContentLength: text.length, Metadata: { a: 'b' } });
    expect(get.ETag).toBeDefined();
    expect(await textOf(get)).toBe(text);
  });

  it.each(['bytes=0-1,3-4', 'bytes=7-4', 'bytes=x', 'lines=1-2'])('answers %s with the whole object', async (Range) => {
    const get = await suite.s3.send(new GetObjectCommand({ Bucket, Key: 'k', Range }));
    expect(get.$metadata.httpStatusCode).toBe(200);
    expect(await textOf(get)).toBe(content);
  });

  it.each([
    ['k', 'bytes=40-50', 11],
    ['k', 'bytes=11-', 11],
    ['k', 'bytes=-0', 11],
    ['empty', 'bytes=0-1', 0],
  ])('refuses on %s the range %s', async (Key, Range, size) => {
    const answer = await sendRaw(suite.s3, new GetObjectCommand({ Bucket, Key, Range }));
    expect(answer).toMatchObject({ status: 416, code: 'InvalidRange' });
    expect(answer.headers['content-range']).toBe(`bytes */${size}`);
  });

  it('reads out of the middle of a large object', async () => {
    const get = await suite.s3.send(new GetObjectCommand({ Bucket, Key: 'large', Range: 'bytes=1999995-2000004' }));
    expect(await textOf(get)).toBe('5678901234');
  });

  it('answers HEAD as it answers GET', async () => {
    const head = await sendRaw(suite.s3, new HeadObjectCommand({ Bucket, Key: 'k', Range: 'bytes=4-7' }));
    expect(head).toMatchObject({ status: 206 });
    expect(head.headers).toMatchObject({ 'content-range': 'bytes 4-7/11', 'content-length': '4' });
  });

  it('gives an object without parts as its part 1', async () => {
    const get = await suite.s3.send(new GetObjectCommand({ Bucket, Key: 'k', PartNumber: 1 }));
    expect(await textOf(get)).toBe(content);
    expect(get.PartsCount).toBeUndefined();
    const second = await refusalOf(suite.s3.send(new GetObjectCommand({ Bucket, Key: 'k', PartNumber: 2 })));
    expect(second.code).toMatch(/^InvalidPart/);
    const both = suite.s3.send(new GetObjectCommand({ Bucket, Key: 'k', PartNumber: 1, Range: 'bytes=0-1' }));
    expect(await refusalOf(both)).toEqual({ code: 'InvalidRequest', status: 400 });
  });
});
