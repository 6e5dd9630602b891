import type { CompletedPart, CreateMultipartUploadCommandInput } from '@aws-sdk/client-s3';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { createHash } from 'node:crypto';
import { refusalOf } from './raw-answer';
import { useS3 } from './s3-suite';

const MIB = 1024 * 1024;
const md5 = (bytes: Buffer): Buffer => createHash('md5').update(bytes).digest();

describe('multipart uploads', () => {
  const suite = useS3();
  const Key = 'big/object';

  interface Upload {
    readonly Bucket: string;
    readonly Key: string;
    readonly UploadId: string;
  }

  async function begin(input: Partial<CreateMultipartUploadCommandInput> = {}): Promise<Upload> {
    const Bucket = input.Bucket ?? (await suite.newBucket());
    const created = await suite.s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ...input }));
    return { Bucket, Key: input.Key ?? Key, UploadId: created.UploadId ?? '' };
  }

  async function send(upload: Upload, PartNumber: number, Body: Buffer): Promise<CompletedPart> {
    const { ETag } = await suite.s3.send(new UploadPartCommand({ ...upload, PartNumber, Body }));
    return { ETag, PartNumber };
  }

  const complete = (
    upload: Upload,
    Parts: CompletedPart[],
    input: object = {},
  ): Promise<{ readonly ETag?: string | undefined }> =>
    suite.s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts }, ...input }));

  it('make one object of parts, with the headers of their beginning', async () => {
    const upload = await begin({
      Metadata: { foo: 'bar' },
      ContentType: 'text/plain',
      Tagging: 'a=1',
      StorageClass: 'STANDARD_IA',
    });
    const bodies = [Buffer.alloc(5 * MIB, 'a'), Buffer.alloc(5 * MIB, 'b'), Buffer.from('the end')];
    const parts: CompletedPart[] = [];
    for (const [index, body] of bodies.entries()) parts.push(await send(upload, index + 1, body));
    const { ETag } = await complete(upload, parts);
    expect(ETag).toBe(
      `"${createHash('md5')
        .update(Buffer.concat(bodies.map(md5)))
        .digest('hex')}-3"`,
    );
    const get = await suite.s3.send(new GetObjectCommand({ Bucket: upload.Bucket, Key }));
    expect(get).toMatchObject({
      ETag,
      Metadata: { foo: 'bar' },
      ContentType: 'text/plain',
      TagCount: 1,
      StorageClass: 'STANDARD_IA',
    });
    expect(Buffer.concat(bodies).equals(Buffer.from((await get.Body?.transformToByteArray()) ?? []))).toBe(true);

    const part = await suite.s3.send(new GetObjectCommand({ Bucket: upload.Bucket, Key, PartNumber: 3 }));
    expect(await part.Body?.transformToString()).toBe('the end');
    expect(part).toMatchObject({ PartsCount: 3, ETag, ContentLength: 7 });
    const head = await suite.s3.send(new HeadObjectCommand({ Bucket: upload.Bucket, Key, PartNumber: 1 }));
    expect(head).toMatchObject({ PartsCount: 3, ContentLength: 5 * MIB });

    const attributes = await suite.s3.send(
      new GetObjectAttributesCommand({
        Bucket: upload.Bucket,
        Key,
        ObjectAttributes: ['ObjectParts'],
        MaxParts: 1,
        PartNumberMarker: '1',
      }),
    );
    expect(attributes.ObjectParts).toMatchObject({
      TotalPartsCount: 3,
      IsTruncated: true,
      NextPartNumberMarker: '2',
      MaxParts: 1,
    });
    expect(attributes.ObjectParts?.Parts).toEqual([expect.objectContaining({ PartNumber: 2, Size: 5 * MIB })]);

    expect(await complete(upload, parts)).toMatchObject({ ETag });
  }, 60_000);

  it('are visible to nobody before they are complete, and gone once aborted', async () => {
    const upload = await begin();
    await send(upload, 1, Buffer.from('x'));
    expect((await refusalOf(suite.s3.send(new GetObjectCommand({ Bucket: upload.Bucket, Key })))).code).toBe(
      'NoSuchKey',
    );
    await suite.s3.send(new AbortMultipartUploadCommand(upload));
    const gone = { code: 'NoSuchUpload', status: 404 };
    expect(await refusalOf(suite.s3.send(new ListPartsCommand(upload)))).toEqual(gone);
    expect(await refusalOf(send(upload, 2, Buffer.from('x')))).toEqual(gone);
    expect(await refusalOf(complete(upload, [{ PartNumber: 1, ETag: '"x"' }]))).toEqual(gone);
  });

  it('do not keep their bucket from being deleted, and are gone with it', async () => {
    const upload = await begin();
    const part = await send(upload, 1, Buffer.from('x'));
    await suite.s3.send(new DeleteBucketCommand({ Bucket: upload.Bucket }));
    expect((await refusalOf(complete(upload, [part]))).code).toBe('NoSuchBucket');
    await suite.s3.send(new CreateBucketCommand({ Bucket: upload.Bucket }));
    expect((await refusalOf(complete(upload, [part]))).code).toBe('NoSuchUpload');
  });

  it('are refused by part: unknown, out of order, too small, with another ETag, none', async () => {
    const upload = await begin();
    const one = await send(upload, 1, Buffer.from('small'));
    const two = await send(upload, 2, Buffer.from('small too'));
    const refused = async (parts: CompletedPart[]): Promise<string> => (await refusalOf(complete(upload, parts))).code;
    expect(await refused([{ ...one, PartNumber: 9999 }])).toBe('InvalidPart');
    expect(await refused([{ PartNumber: 1, ETag: '"ffffffffffffffffffffffffffffffff"' }])).toBe('InvalidPart');
    expect(await refused([two, one])).toBe('InvalidPartOrder');
    expect(await refused([one, two])).toBe('EntityTooSmall');
    expect(await refused([])).toBe('MalformedXML');
    await complete(upload, [two]);
  });

  it('take a part again, and keep the later one', async () => {
    const upload = await begin();
    await send(upload, 1, Buffer.from('first'));
    const again = await send(upload, 1, Buffer.from('second'));
    await complete(upload, [again]);
    const get = await suite.s3.send(new GetObjectCommand({ Bucket: upload.Bucket, Key }));
    expect(await get.Body?.transformToString()).toBe('second');
  });

  it.each([0, 10_001])('have no part %p', async (PartNumber) => {
    const upload = await begin();
    expect(await refusalOf(send(upload, PartNumber, Buffer.from('x')))).toEqual({
      code: 'InvalidArgument',
      status: 400,
    });
  });

  it('list their parts page by page', async () => {
    const upload = await begin();
    for (const number of [1, 2, 5]) await send(upload, number, Buffer.from(String(number)));
    const first = await suite.s3.send(new ListPartsCommand({ ...upload, MaxParts: 2 }));
    expect(first).toMatchObject({ IsTruncated: true, NextPartNumberMarker: '2', StorageClass: 'STANDARD' });
    expect(first.Initiator?.ID).toBe(first.Owner?.ID);
    const second = await suite.s3.send(new ListPartsCommand({ ...upload, PartNumberMarker: '2' }));
    expect(second.Parts).toEqual([expect.objectContaining({ PartNumber: 5, Size: 1 })]);
    expect(second.IsTruncated).toBe(false);
  });

  it('are listed page by page and by prefix', async () => {
    const { Bucket } = await begin({ Key: 'a' });
    const more = ['a', 'b/1', 'b/2', 'c'];
    for (const key of more) await begin({ Bucket, Key: key });
    const all: (string | undefined)[] = [];
    let KeyMarker: string | undefined;
    let UploadIdMarker: string | undefined;
    do {
      const page = await suite.s3.send(
        new ListMultipartUploadsCommand({ Bucket, MaxUploads: 2, KeyMarker, UploadIdMarker }),
      );
      all.push(...(page.Uploads?.map((upload) => upload.Key) ?? []));
      KeyMarker = page.NextKeyMarker;
      UploadIdMarker = page.NextUploadIdMarker;
    } while (KeyMarker !== undefined);
    expect(all).toEqual(['a', 'a', 'b/1', 'b/2', 'c']);
    const grouped = await suite.s3.send(new ListMultipartUploadsCommand({ Bucket, Delimiter: '/' }));
    expect(grouped.CommonPrefixes).toEqual([{ Prefix: 'b/' }]);
    expect(grouped.Uploads).toHaveLength(3);
  });

  it('take parts from other objects, whole or by range', async () => {
    const upload = await begin();
    const { Bucket } = upload;
    const source = Buffer.alloc(5 * MIB + 10, 'xyz');
    await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'source?+ é', Body: source }));
    const CopySource = `${Bucket}/${encodeURIComponent('source?+ é')}`;
    const copy = async (PartNumber: number, CopySourceRange?: string): Promise<CompletedPart> => {
      const { CopyPartResult } = await suite.s3.send(
        new UploadPartCopyCommand({ ...upload, PartNumber, CopySource, CopySourceRange }),
      );
      return { PartNumber, ETag: CopyPartResult?.ETag };
    };
    const parts = [await copy(1), await copy(2, 'bytes=1-6')];
    await complete(upload, parts);
    const get = await suite.s3.send(new GetObjectCommand({ Bucket, Key }));
    const expected = Buffer.concat([source, source.subarray(1, 7)]);
    expect(expected.equals(Buffer.from((await get.Body?.transformToByteArray()) ?? []))).toBe(true);

    const other = { ...(await begin({ Bucket, Key: 'other' })) };
    const refused = async (CopySourceRange: string, from = CopySource): Promise<string> =>
      (
        await refusalOf(
          suite.s3.send(new UploadPartCopyCommand({ ...other, PartNumber: 1, CopySource: from, CopySourceRange })),
        )
      ).code;
    expect(await refused(`bytes=0-${source.length}`)).toBe('InvalidRange');
    expect(await refused('bytes=2-')).toBe('InvalidArgument');
    expect(await refused('bytes=0-1', `${Bucket}/missing`)).toBe('NoSuchKey');
  }, 60_000);

  it('are held to If-None-Match when they complete', async () => {
    const upload = await begin();
    const part = await send(upload, 1, Buffer.from('x'));
    await suite.s3.send(new PutObjectCommand({ Bucket: upload.Bucket, Key, Body: 'first' }));
    expect(await refusalOf(complete(upload, [part], { IfNoneMatch: '*' }))).toEqual({
      code: 'PreconditionFailed',
      status: 412,
    });
    await complete(upload, [part]);
  });

  it('are held to the size that the client announced', async () => {
    const upload = await begin();
    const part = await send(upload, 1, Buffer.from('four'));
    expect((await refusalOf(complete(upload, [part], { MpuObjectSize: 5 }))).status).toBe(400);
    await complete(upload, [part], { MpuObjectSize: 4 });
  });
});
