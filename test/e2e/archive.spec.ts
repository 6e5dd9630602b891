import type { S3Client } from '@aws-sdk/client-s3';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  RestoreObjectCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { randomBytes } from 'node:crypto';
import type { MirroredVaultaire } from '../support/mirrored-vaultaire';
import { startMirrored } from '../support/mirrored-vaultaire';
import { until } from '../support/until';
import { refusalOf, sendRaw } from './raw-answer';

jest.setTimeout(30_000);

const CONFIG = {
  placements: { default: { driver: 'one' }, tape: { driver: 'two' } },
  storageClasses: { TAPE: 'tape' },
  archiveClasses: {
    GLACIER: { restoreSeconds: { expedited: 0, bulk: 3_600 } },
    TAPE: { onDriver: true },
  },
};

describe('objects of an archive class', () => {
  let mirrored: MirroredVaultaire;
  let s3: S3Client;
  const Bucket = 'archive';
  const body = randomBytes(100_000);

  beforeAll(async () => {
    mirrored = await startMirrored(CONFIG, { env: { VAULTAIRE_LIFECYCLE_DAY_SECONDS: '2' } });
    mirrored.two.quirks = { ...mirrored.two.quirks, isArchived: true };
    s3 = mirrored.vaultaire.s3Client();
    await s3.send(new CreateBucketCommand({ Bucket }));
  }, 60_000);
  afterAll(async () => {
    await mirrored.stop();
  }, 60_000);

  const put = (Key: string, StorageClass: string) =>
    s3.send(new PutObjectCommand({ Bucket, Key, Body: body, StorageClass: StorageClass as 'GLACIER' }));
  const get = async (Key: string): Promise<boolean> => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []).equals(body);
  };
  const head = (Key: string) => s3.send(new HeadObjectCommand({ Bucket, Key }));
  const restore = (Key: string, Tier: 'Bulk' | 'Expedited' | 'Standard', Days: number | undefined = 1) =>
    sendRaw(s3, new RestoreObjectCommand({ Bucket, Key, RestoreRequest: { Days, GlacierJobParameters: { Tier } } }));
  const ARCHIVED = { code: 'InvalidObjectState', status: 403 };

  it('are not read, nor copied, before they were restored', async () => {
    await put('cold', 'GLACIER');
    expect(await head('cold')).toMatchObject({ StorageClass: 'GLACIER', ContentLength: body.length });
    expect((await head('cold')).Restore).toBeUndefined();
    expect(await refusalOf(get('cold'))).toEqual(ARCHIVED);
    const CopySource = `${Bucket}/cold`;
    const copy = new CopyObjectCommand({ Bucket, Key: 'copy', CopySource, StorageClass: 'STANDARD' });
    expect(await refusalOf(s3.send(copy))).toEqual(ARCHIVED);
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'parts' }));
    const part = new UploadPartCopyCommand({ Bucket, Key: 'parts', UploadId, PartNumber: 1, CopySource });
    expect(await refusalOf(s3.send(part))).toEqual(ARCHIVED);

    expect(await restore('cold', 'Bulk')).toMatchObject({ status: 202 });
    expect((await head('cold')).Restore).toBe('ongoing-request="true"');
    expect(await refusalOf(get('cold'))).toEqual(ARCHIVED);
    expect(await restore('cold', 'Expedited')).toMatchObject({ status: 409, code: 'RestoreAlreadyInProgress' });
  });

  it('are read for as long as they were asked for, and a new one is archived again', async () => {
    await put('warm', 'GLACIER');
    expect(await restore('warm', 'Expedited', 1_000)).toMatchObject({ status: 202 });
    const { Restore } = await head('warm');
    const expiry = /^ongoing-request="false", expiry-date="([^"]+)"$/.exec(Restore ?? '')?.[1] ?? '';
    expect(new Date(expiry).getTime()).toBeGreaterThan(Date.now() + 1_990_000);
    expect(await get('warm')).toBe(true);
    await s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/warm` }));
    expect(await get('copy')).toBe(true);

    expect(await restore('warm', 'Expedited')).toMatchObject({ status: 200 });
    await until('its time is over', async () => (await head('warm')).Restore === undefined);
    expect(await refusalOf(get('warm'))).toEqual(ARCHIVED);

    expect(await restore('warm', 'Expedited', 1_000)).toMatchObject({ status: 202 });
    expect(await get('warm')).toBe(true);
    await put('warm', 'GLACIER');
    expect(await refusalOf(get('warm'))).toEqual(ARCHIVED);
  });

  it('are restored by a driver that archives by itself', async () => {
    await put('tape', 'TAPE');
    expect(await refusalOf(get('tape'))).toEqual(ARCHIVED);
    expect(await restore('tape', 'Standard')).toMatchObject({ status: 202 });
    expect((await head('tape')).Restore).toBe('ongoing-request="true"');
    expect(await restore('tape', 'Standard')).toMatchObject({ status: 409 });
    mirrored.two.finishRestores();
    await until('the driver was asked', async () => (await head('tape')).Restore?.includes('"false"') === true);
    expect(await get('tape')).toBe(true);
  });

  it('are told of in listings that ask for it, as in HEAD', async () => {
    const input = { Bucket: 'listed-archive', OptionalObjectAttributes: ['RestoreStatus' as const] };
    const on = { Bucket: input.Bucket, VersioningConfiguration: { Status: 'Enabled' as const } };
    await s3.send(new CreateBucketCommand({ Bucket: input.Bucket }));
    await s3.send(new PutBucketVersioningCommand(on));
    const restoreOf = (Key: string, Tier: 'Bulk' | 'Expedited') => {
      const RestoreRequest = { Days: 1_000, GlacierJobParameters: { Tier } };
      return s3.send(new RestoreObjectCommand({ Bucket: input.Bucket, Key, RestoreRequest }));
    };
    const write = (Key: string, StorageClass: 'GLACIER' | 'STANDARD') =>
      s3.send(new PutObjectCommand({ Bucket: input.Bucket, Key, Body: 'body', StorageClass }));
    for (const key of ['a', 'b', 'd/c']) await write(key, 'GLACIER');
    await write('hot', 'STANDARD');
    await restoreOf('a', 'Expedited');
    await write('a', 'GLACIER');
    await restoreOf('b', 'Expedited');
    await restoreOf('d/c', 'Bulk');
    const { Restore } = await s3.send(new HeadObjectCommand({ Bucket: input.Bucket, Key: 'b' }));
    const expiry = /expiry-date="([^"]+)"/.exec(Restore ?? '')?.[1] ?? '';
    const done = { IsRestoreInProgress: false, RestoreExpiryDate: new Date(expiry) };
    const told = (objects: { Key?: string | undefined; RestoreStatus?: object | undefined }[] = []) =>
      objects.map(({ Key, RestoreStatus }) => [Key, RestoreStatus]);
    const all = [
      ['a', undefined],
      ['b', done],
      ['d/c', { IsRestoreInProgress: true }],
      ['hot', undefined],
    ];
    expect(told((await s3.send(new ListObjectsCommand(input))).Contents)).toEqual(all);
    expect(told((await s3.send(new ListObjectsV2Command(input))).Contents)).toEqual(all);
    const delimited = await s3.send(new ListObjectsV2Command({ ...input, Delimiter: '/' }));
    expect(told(delimited.Contents)).toEqual(all.filter(([key]) => key !== 'd/c'));
    const { Versions } = await s3.send(new ListObjectVersionsCommand(input));
    expect(told(Versions)).toEqual([all[0], ['a', done], ...all.slice(1)]);
    const unasked = await s3.send(new ListObjectsV2Command({ Bucket: input.Bucket }));
    expect(told(unasked.Contents).every(([, status]) => status === undefined)).toBe(true);
  });

  it('are the only ones that can be restored, by requests that make sense', async () => {
    await put('hot', 'STANDARD');
    expect(await restore('hot', 'Standard')).toMatchObject(ARCHIVED);
    expect(await restore('missing', 'Standard')).toMatchObject({ status: 404, code: 'NoSuchKey' });
    await put('cold', 'GLACIER');
    expect(await restore('cold', 'Standard', 0)).toMatchObject({ status: 400, code: 'InvalidArgument' });
    expect(await restore('cold', 'Slow' as 'Bulk')).toMatchObject({ status: 400, code: 'MalformedXML' });
    const select = { Type: 'SELECT' as const, Tier: 'Standard' as const };
    const selecting = s3.send(new RestoreObjectCommand({ Bucket, Key: 'cold', RestoreRequest: select }));
    expect(await refusalOf(selecting)).toEqual({ code: 'NotImplemented', status: 501 });
  });
});
