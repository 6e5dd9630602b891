import type { CopyObjectCommandInput, CopyObjectCommandOutput, HeadObjectCommandOutput, Tag } from '@aws-sdk/client-s3';
import {
  CopyObjectCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { refusalOf } from './raw-answer';
import { textOf, useS3 } from './s3-suite';

describe('copies', () => {
  const suite = useS3();

  async function source(input: object = {}): Promise<{ Bucket: string; ETag: string | undefined }> {
    const Bucket = await suite.newBucket();
    const { ETag } = await suite.s3.send(
      new PutObjectCommand({
        Bucket,
        Key: 'source',
        Body: 'bytes',
        ContentType: 'text/x-source',
        CacheControl: 'no-store',
        Metadata: { from: 'source' },
        Tagging: 'from=source',
        ...input,
      }),
    );
    return { Bucket, ETag };
  }

  const copy = (Bucket: string, input: Partial<CopyObjectCommandInput> = {}): Promise<CopyObjectCommandOutput> =>
    suite.s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/source`, ...input }));
  const head = (Bucket: string, Key = 'copy'): Promise<HeadObjectCommandOutput> =>
    suite.s3.send(new HeadObjectCommand({ Bucket, Key }));
  const tags = async (Bucket: string, Key = 'copy'): Promise<Tag[] | undefined> =>
    (await suite.s3.send(new GetObjectTaggingCommand({ Bucket, Key }))).TagSet;

  it('take over bytes, headers, metadata and tags', async () => {
    const { Bucket, ETag } = await source();
    const { CopyObjectResult } = await suite.s3.send(
      new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `/${Bucket}/source` }),
    );
    expect(CopyObjectResult?.ETag).toBe(ETag);
    expect(CopyObjectResult?.LastModified).toBeInstanceOf(Date);
    const get = await suite.s3.send(new GetObjectCommand({ Bucket, Key: 'copy' }));
    expect(await textOf(get)).toBe('bytes');
    expect(get).toMatchObject({
      ContentType: 'text/x-source',
      CacheControl: 'no-store',
      Metadata: { from: 'source' },
      TagCount: 1,
    });
  });

  it('replace metadata and headers when told to, and keep the tags', async () => {
    const { Bucket } = await source();
    await copy(Bucket, { MetadataDirective: 'REPLACE', Metadata: { from: 'request' }, ContentType: 'text/x-copy' });
    const copied = await head(Bucket);
    expect(copied).toMatchObject({ ContentType: 'text/x-copy', Metadata: { from: 'request' } });
    expect(copied.CacheControl).toBeUndefined();
    expect(await tags(Bucket)).toEqual([{ Key: 'from', Value: 'source' }]);
  });

  it('replace tags when told to, and keep the metadata', async () => {
    const { Bucket } = await source();
    await copy(Bucket, { TaggingDirective: 'REPLACE', Tagging: 'from=request' });
    expect(await tags(Bucket)).toEqual([{ Key: 'from', Value: 'request' }]);
    expect((await head(Bucket)).Metadata).toEqual({ from: 'source' });
  });

  it('have the storage class of the request, not of the source', async () => {
    const { Bucket } = await source({ StorageClass: 'STANDARD_IA' });
    expect((await head(Bucket, 'source')).StorageClass).toBe('STANDARD_IA');
    await copy(Bucket);
    expect((await head(Bucket)).StorageClass).toBeUndefined();
    await copy(Bucket, { StorageClass: 'GLACIER_IR' });
    expect((await head(Bucket)).StorageClass).toBe('GLACIER_IR');
  });

  it('go from bucket to bucket and outlive their source', async () => {
    const { Bucket } = await source();
    const target = await suite.newBucket();
    await copy(target, { CopySource: `${Bucket}/source` });
    await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'source', Body: 'overwritten' }));
    expect(await textOf(await suite.s3.send(new GetObjectCommand({ Bucket: target, Key: 'copy' })))).toBe('bytes');
  });

  it('onto themselves must change something', async () => {
    const { Bucket } = await source();
    expect(await refusalOf(copy(Bucket, { Key: 'source' }))).toEqual({ code: 'InvalidRequest', status: 400 });
    await copy(Bucket, { Key: 'source', MetadataDirective: 'REPLACE', Metadata: { foo: 'bar' } });
    const get = await suite.s3.send(new GetObjectCommand({ Bucket, Key: 'source' }));
    expect(get.Metadata).toEqual({ foo: 'bar' });
    expect(await textOf(get)).toBe('bytes');
    await copy(Bucket, { Key: 'source', StorageClass: 'STANDARD_IA' });
  });

  it('are held to conditions on the source', async () => {
    const { Bucket, ETag } = await source();
    const failed = { code: 'PreconditionFailed', status: 412 };
    expect(await refusalOf(copy(Bucket, { CopySourceIfMatch: '"ABCORZ"' }))).toEqual(failed);
    expect(await refusalOf(copy(Bucket, { CopySourceIfNoneMatch: ETag }))).toEqual(failed);
    expect(await refusalOf(copy(Bucket, { CopySourceIfUnmodifiedSince: new Date(0) }))).toEqual(failed);
    await copy(Bucket, { CopySourceIfMatch: ETag, CopySourceIfNoneMatch: '"ABCORZ"' });
  });

  it('are held to conditions on the destination', async () => {
    const { Bucket } = await source();
    await copy(Bucket, { IfNoneMatch: '*' });
    expect((await refusalOf(copy(Bucket, { IfNoneMatch: '*' }))).code).toBe('PreconditionFailed');
  });

  it('can change the checksum algorithm', async () => {
    const { Bucket } = await source();
    const { CopyObjectResult } = await suite.s3.send(
      new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/source`, ChecksumAlgorithm: 'SHA1' }),
    );
    expect(CopyObjectResult).toMatchObject({
      ChecksumSHA1: '2vUppzEBwr5ia5n8aTgWPnonYgs=',
      ChecksumType: 'FULL_OBJECT',
    });
  });

  it('refuse sources that do not exist or are not named', async () => {
    const { Bucket } = await source();
    expect(await refusalOf(copy(Bucket, { CopySource: `${Bucket}/missing` }))).toEqual({
      code: 'NoSuchKey',
      status: 404,
    });
    expect(await refusalOf(copy(Bucket, { CopySource: 'no-such-bucket-here/k' }))).toEqual({
      code: 'NoSuchBucket',
      status: 404,
    });
    expect(await refusalOf(copy(Bucket, { CopySource: 'nothing' }))).toEqual({ code: 'InvalidArgument', status: 400 });
    const directive = copy(Bucket, { MetadataDirective: 'MERGE' as 'COPY' });
    expect(await refusalOf(directive)).toEqual({ code: 'InvalidArgument', status: 400 });
  });
});
