import {
  CopyObjectCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { refusalOf, sendRaw } from './raw-answer';
import { textOf, useS3 } from './s3-suite';

describe('versions', () => {
  const suite = useS3();
  const Key = 'k';

  async function setVersioning(Bucket: string, Status: 'Enabled' | 'Suspended'): Promise<void> {
    await suite.s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));
  }

  async function versionedBucket(): Promise<string> {
    const Bucket = await suite.newBucket();
    await setVersioning(Bucket, 'Enabled');
    return Bucket;
  }

  async function put(Bucket: string, Body: string): Promise<string | undefined> {
    return (await suite.s3.send(new PutObjectCommand({ Bucket, Key, Body }))).VersionId;
  }

  const read = async (Bucket: string, VersionId?: string): Promise<string> =>
    textOf(await suite.s3.send(new GetObjectCommand({ Bucket, Key, VersionId })));

  it('keep what was overwritten', async () => {
    const Bucket = await versionedBucket();
    const first = await put(Bucket, 'one');
    const second = await put(Bucket, 'two');
    expect(first).not.toBe(second);
    expect(await read(Bucket)).toBe('two');
    expect(await read(Bucket, first)).toBe('one');
    const page = await suite.s3.send(new ListObjectVersionsCommand({ Bucket }));
    expect(page.Versions?.map(({ VersionId, IsLatest }) => [VersionId, IsLatest])).toEqual([
      [second, true],
      [first, false],
    ]);
  });

  it('are hidden by a delete marker, and shown again when that is deleted', async () => {
    const Bucket = await versionedBucket();
    const version = await put(Bucket, 'one');
    const deleted = await suite.s3.send(new DeleteObjectCommand({ Bucket, Key }));
    expect(deleted).toMatchObject({ DeleteMarker: true, VersionId: expect.any(String) });
    const marker = deleted.VersionId;

    const get = await sendRaw(suite.s3, new GetObjectCommand({ Bucket, Key }));
    expect(get).toMatchObject({ status: 404, code: 'NoSuchKey' });
    expect(get.headers).toMatchObject({ 'x-amz-delete-marker': 'true', 'x-amz-version-id': marker });
    const ofMarker = await sendRaw(suite.s3, new GetObjectCommand({ Bucket, Key, VersionId: marker }));
    expect(ofMarker).toMatchObject({ status: 405, code: 'MethodNotAllowed' });
    expect(ofMarker.headers).toMatchObject({ allow: 'DELETE', 'x-amz-delete-marker': 'true' });
    expect(await read(Bucket, version)).toBe('one');
    expect((await suite.s3.send(new ListObjectsV2Command({ Bucket }))).KeyCount).toBe(0);
    const page = await suite.s3.send(new ListObjectVersionsCommand({ Bucket }));
    expect(page.DeleteMarkers).toEqual([expect.objectContaining({ VersionId: marker, IsLatest: true })]);

    const undeleted = await suite.s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId: marker }));
    expect(undeleted).toMatchObject({ DeleteMarker: true, VersionId: marker });
    expect(await read(Bucket)).toBe('one');
  });

  it('are deleted one by one, and the one before becomes the latest', async () => {
    const Bucket = await versionedBucket();
    const first = await put(Bucket, 'one');
    const second = await put(Bucket, 'two');
    const deleted = await suite.s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId: second }));
    expect(deleted.DeleteMarker).toBeUndefined();
    expect(await read(Bucket)).toBe('one');
    expect(await refusalOf(read(Bucket, second))).toEqual({ code: 'NoSuchVersion', status: 404 });
    const batch = await suite.s3.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key, VersionId: first }, { Key: 'other' }] } }),
    );
    expect(batch.Deleted).toEqual([
      { Key, VersionId: first },
      { Key: 'other', DeleteMarker: true, DeleteMarkerVersionId: expect.any(String) },
    ]);
  });

  it('are called null before versioning and while it is suspended', async () => {
    const Bucket = await suite.newBucket();
    await put(Bucket, 'before');
    await setVersioning(Bucket, 'Enabled');
    await put(Bucket, 'versioned');
    expect(await read(Bucket, 'null')).toBe('before');
    await setVersioning(Bucket, 'Suspended');
    expect(await put(Bucket, 'suspended')).toBeUndefined();
    expect(await read(Bucket, 'null')).toBe('suspended');
    const page = await suite.s3.send(new ListObjectVersionsCommand({ Bucket }));
    expect(page.Versions?.map(({ VersionId }) => VersionId).filter((id) => id === 'null')).toHaveLength(1);
    expect(page.Versions).toHaveLength(2);
  });

  it('can be the source of a copy', async () => {
    const Bucket = await versionedBucket();
    const first = await put(Bucket, 'one');
    await put(Bucket, 'two');
    const copied = await suite.s3.send(
      new CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/${Key}?versionId=${first ?? ''}` }),
    );
    expect(copied.CopySourceVersionId).toBe(first);
    expect(copied.VersionId).toBeDefined();
    expect(await read(Bucket)).toBe('one');
  });

  it('are listed from a marker on, page by page', async () => {
    const Bucket = await versionedBucket();
    const ids: (string | undefined)[] = [];
    for (const text of ['1', '2', '3']) ids.unshift(await put(Bucket, text));
    const seen: (string | undefined)[] = [];
    let KeyMarker: string | undefined;
    let VersionIdMarker: string | undefined;
    do {
      const page = await suite.s3.send(
        new ListObjectVersionsCommand({ Bucket, MaxKeys: 1, KeyMarker, VersionIdMarker }),
      );
      seen.push(...(page.Versions?.map(({ VersionId }) => VersionId) ?? []));
      KeyMarker = page.NextKeyMarker;
      VersionIdMarker = page.NextVersionIdMarker;
    } while (KeyMarker !== undefined);
    expect(seen).toEqual(ids);
  });

  it('keep their bucket from being deleted', async () => {
    const Bucket = await versionedBucket();
    await put(Bucket, 'one');
    await suite.s3.send(new DeleteObjectCommand({ Bucket, Key }));
    const remove = suite.s3.send(new DeleteBucketCommand({ Bucket }));
    expect(await refusalOf(remove)).toEqual({ code: 'BucketNotEmpty', status: 409 });
  });

  it('are refused when their id makes no sense', async () => {
    const Bucket = await versionedBucket();
    await put(Bucket, 'one');
    const head = await sendRaw(suite.s3, new HeadObjectCommand({ Bucket, Key, VersionId: 'nonsense' }));
    expect(head.status).toBeGreaterThanOrEqual(400);
    expect(head.status).toBeLessThan(500);
  });
});
