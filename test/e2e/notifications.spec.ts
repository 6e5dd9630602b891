import type { NotificationConfiguration } from '@aws-sdk/client-s3';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  DeleteObjectTaggingCommand,
  GetBucketNotificationConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { Redis } from 'ioredis';
import type { AdminAnswer, AdminRequestOptions } from '../support/admin-requests';
import { ask } from '../support/admin-requests';
import { isRedisInstalled, RedisServer } from '../support/redis-server';
import { until } from '../support/until';
import { WEBHOOK_SECRET, WebhookReceiver } from '../support/webhook-receiver';
import { refusalOf } from './raw-answer';
import { useS3 } from './s3-suite';

jest.setTimeout(60_000);

const TARGETS = '/api/v1/notification-targets';

describe('notifications of buckets', () => {
  const suite = useS3({
    workers: 2,
    config: { notifications: { allowedNetworks: ['127.0.0.0/8'], retrySeconds: 0.02 } },
  });
  let receiver: WebhookReceiver;
  let arn: string;

  beforeAll(async () => {
    receiver = await WebhookReceiver.start();
    const created = await api('POST', '', { body: webhook('hook') });
    expect(created).toMatchObject({ status: 201, body: { arn: 'arn:vaultaire:sqs:us-east-1::hook', health: 'ok' } });
    expect(JSON.stringify(created.body)).not.toContain(WEBHOOK_SECRET);
    arn = created.body.arn;
  });
  afterAll(() => receiver.stop());

  const api = (method: string, path: string, options: AdminRequestOptions = {}): Promise<AdminAnswer> =>
    ask(suite.vaultaire, method, `${TARGETS}${path}`, options);
  const webhook = (name: string): object => ({ name, kind: 'webhook', url: receiver.url, secret: WEBHOOK_SECRET });
  const all = (QueueArn: string): NotificationConfiguration => ({
    QueueConfigurations: [
      { Id: 'all', QueueArn, Events: ['s3:ObjectCreated:*', 's3:ObjectRemoved:*', 's3:ObjectTagging:*'] },
    ],
  });
  /** Names of the events of a key, in order. */
  const eventsOf = (bucket: string, key: string): string[] =>
    receiver
      .recordsOf(bucket)
      .filter(({ s3 }) => s3.object.key === key)
      .map(({ eventName, s3 }) => `${eventName} ${s3.object.versionId ?? '-'}`);

  const configure = (Bucket: string, NotificationConfiguration: NotificationConfiguration) =>
    suite.s3.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration }));

  it('tell of changes that were asked for, signed, in S3’s words', async () => {
    const Bucket = await suite.newBucket();
    const rule = {
      Id: 'images',
      QueueArn: arn,
      Events: ['s3:ObjectCreated:*' as const, 's3:ObjectRemoved:Delete' as const],
      Filter: { Key: { FilterRules: [{ Name: 'prefix' as const, Value: 'in/' }] } },
    };
    await configure(Bucket, { QueueConfigurations: [rule] });
    const set = await suite.s3.send(new GetBucketNotificationConfigurationCommand({ Bucket }));
    expect(set.QueueConfigurations).toEqual([rule]);

    await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'elsewhere', Body: 'x' }));
    await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'in/a b+ü.txt', Body: 'hello' }));
    await suite.s3.send(new CopyObjectCommand({ Bucket, Key: 'in/copy', CopySource: `${Bucket}/elsewhere` }));
    await suite.s3.send(new DeleteObjectCommand({ Bucket, Key: 'in/copy' }));
    await until('all are told', () => receiver.recordsOf(Bucket).length >= 3);
    expect(receiver.messages.every(({ isGenuine }) => isGenuine)).toBe(true);
    const records = receiver.recordsOf(Bucket);
    expect(records.map(({ eventName, s3 }) => [eventName, s3.object.key]).sort()).toEqual([
      ['ObjectCreated:Copy', 'in/copy'],
      ['ObjectCreated:Put', 'in/a+b%2B%C3%BC.txt'],
      ['ObjectRemoved:Delete', 'in/copy'],
    ]);
    expect(records.find(({ eventName }) => eventName === 'ObjectCreated:Put')).toMatchObject({
      eventSource: 'aws:s3',
      eventVersion: '2.1',
      awsRegion: 'us-east-1',
      requestParameters: { sourceIPAddress: '127.0.0.1' },
      s3: {
        s3SchemaVersion: '1.0',
        configurationId: 'images',
        bucket: { name: Bucket, arn: `arn:aws:s3:::${Bucket}` },
        object: { size: 5, eTag: '5d41402abc4b2a76b9719d911017c592' },
      },
    });
    expect(receiver.messages).toContainEqual(
      expect.objectContaining({ body: expect.objectContaining({ Event: 's3:TestEvent', Bucket }) }),
    );
  });

  it('tell of every way in which an object is made and removed, in order', async () => {
    const Bucket = await suite.newBucket();
    await configure(Bucket, all(arn));
    const Key = 'key';
    const { UploadId } = await suite.s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const part = { PartNumber: 1, Body: 'a part' };
    const { ETag } = await suite.s3.send(new UploadPartCommand({ Bucket, Key, UploadId, ...part }));
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
    await suite.s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }));
    const Tagging = { TagSet: [{ Key: 'a', Value: 'b' }] };
    await suite.s3.send(new PutObjectTaggingCommand({ Bucket, Key, Tagging }));
    await suite.s3.send(new DeleteObjectTaggingCommand({ Bucket, Key }));
    await suite.s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key }, { Key: 'missing' }] } }));
    await suite.s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
    const { VersionId = '' } = await suite.s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
    const marker = await suite.s3.send(new DeleteObjectCommand({ Bucket, Key }));
    await suite.s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId: marker.VersionId }));
    await suite.s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId }));
    await until('all are told', () => eventsOf(Bucket, Key).length >= 8);
    expect(eventsOf(Bucket, Key)).toEqual([
      'ObjectCreated:CompleteMultipartUpload -',
      'ObjectTagging:Put -',
      'ObjectTagging:Delete -',
      'ObjectRemoved:Delete -',
      `ObjectCreated:Put ${VersionId}`,
      `ObjectRemoved:DeleteMarkerCreated ${marker.VersionId ?? ''}`,
      `ObjectRemoved:Delete ${marker.VersionId ?? ''}`,
      `ObjectRemoved:Delete ${VersionId}`,
    ]);
    const sequencers = receiver.recordsOf(Bucket).map(({ s3 }) => s3.object.sequencer);
    expect(sequencers).toEqual([...new Set(sequencers)].sort());
    expect(eventsOf(Bucket, 'missing')).toEqual([]);

    await configure(Bucket, {});
    await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'untold', Body: 'x' }));
    await suite.s3.send(new DeleteObjectCommand({ Bucket, Key: 'untold', VersionId: 'null' }));
    const { QueueConfigurations } = await suite.s3.send(new GetBucketNotificationConfigurationCommand({ Bucket }));
    expect(QueueConfigurations).toBeUndefined();
    const { body } = await api('GET', '');
    expect(body.items).toMatchObject([{ name: 'hook', health: 'ok', lagSeconds: expect.any(Number) }]);
    expect(eventsOf(Bucket, 'untold')).toEqual([]);
  });

  it('go to no target that there is not, or of another tenant', async () => {
    const Bucket = await suite.newBucket();
    const vaultaire = suite.vaultaire;
    await ask(vaultaire, 'POST', '/api/v1/tenants', { body: { name: 'abroad' } });
    const own = await api('POST', '', { body: { ...webhook('theirs'), tenant: 'abroad' } });
    expect(own.status).toBe(201);
    expect(own.body.arn).toMatch(/^arn:vaultaire:sqs:us-east-1:\d{12}:theirs$/);
    for (const other of [own.body.arn, 'arn:vaultaire:sqs:us-east-1::theirs', 'arn:vaultaire:sqs:us-east-1::no-such']) {
      expect(await refusalOf(configure(Bucket, all(other)))).toEqual({ code: 'InvalidArgument', status: 400 });
    }
    const token = (
      await ask(vaultaire, 'POST', '/api/v1/tokens', {
        body: { name: 'abroad-admin', role: 'tenant-admin', tenant: 'abroad' },
      })
    ).body.token as string;
    const hook = (await api('GET', '')).body.items.find(({ name }: { name: string }) => name === 'hook').id as string;
    expect((await api('GET', '', { token })).body.items).toMatchObject([{ name: 'theirs', tenant: 'abroad' }]);
    expect((await api('GET', '?tenant=default', { token })).status).toBe(404);
    expect((await api('POST', '', { token, body: { ...webhook('x'), tenant: 'default' } })).status).toBe(404);
    const replay = { from: new Date(0).toISOString() };
    for (const [method, path, body] of [
      ['GET', '', undefined],
      ['PATCH', '', { url: receiver.url }],
      ['DELETE', '', undefined],
      ['GET', '/dead-letters', undefined],
      ['POST', '/replay', replay],
    ] as const) {
      const headers = { 'If-Match': '"1"' };
      const answer = await api(method, `/${hook}${path}`, { token, headers, ...(body && { body }) });
      expect([method, path, answer.status]).toEqual([method, path, 404]);
    }
    const mine = await api('POST', '', { token, body: webhook('mine') });
    expect(mine.body).toMatchObject({ tenant: 'abroad', hasSecret: true, createdBy: 'token:abroad-admin' });
    expect((await api('POST', `/${mine.body.id}/replay`, { token, body: replay })).body).toEqual({ events: 0 });
    expect((await api('DELETE', `/${mine.body.id}`, { token })).status).toBe(204);
  });

  it.each([
    ['a name that is taken', { name: 'hook' }, 409],
    ['no secret', { secret: undefined }, 400],
    ['a password in its URL', { url: 'http://me:secret@hooks.example.com' }, 400],
    ['another scheme', { url: 'ftp://hooks.example.com' }, 400],
    ['a stream', { stream: 'x' }, 400],
    ['a name that no ARN has', { name: 'Not:This' }, 400],
    ['a kind that there is not', { kind: 'pigeon' }, 400],
    ['no stream', { kind: 'redis', url: 'redis://127.0.0.1' }, 400],
    ['no subject', { kind: 'nats', url: 'nats://127.0.0.1' }, 400],
    ['a subject of many', { kind: 'nats', url: 'nats://127.0.0.1', subject: 'buckets.>' }, 400],
    ['a tenant that there is not', { tenant: 'nobody' }, 404],
  ])('have no target with %s', async (_what, change, status) => {
    expect((await api('POST', '', { body: { ...webhook('wrong'), ...change } })).status).toBe(status);
  });

  (isRedisInstalled ? it : it.skip)('go to a Redis stream, and wait for one that is away', async () => {
    const server = await RedisServer.start();
    const redis = new Redis(server.url);
    redis.on('error', () => undefined);
    try {
      const body = { name: 'stream', kind: 'redis', url: server.url, stream: 'bucket-events' };
      const { body: target } = await api('POST', '', { body });
      const Bucket = await suite.newBucket();
      await configure(Bucket, all(target.arn));
      await until('the test comes', async () => (await redis.xlen('bucket-events')) === 1);
      await until('that is known', async () => (await api('GET', `/${target.id}`)).body.waiting === 0);
      await server.kill();
      await suite.s3.send(new PutObjectCommand({ Bucket, Key: 'late', Body: 'x' }));
      await until('it is known to be down', async () => (await api('GET', `/${target.id}`)).body.health === 'down');
      await server.start();
      await until('it comes', async () => (await redis.xlen('bucket-events').catch(() => 0)) === 1);
      const [[, fields] = ['', []]] = await redis.xrange('bucket-events', '-', '+');
      expect(fields).toEqual(['id', expect.stringMatching(/^\d+$/), 'event', expect.stringContaining('"key":"late"')]);
      await until('it is well again', async () => (await api('GET', `/${target.id}`)).body.health === 'ok');

      expect((await api('DELETE', `/${target.id}`)).status).toBe(409);
      const changed = await api('PATCH', `/${target.id}`, {
        headers: { 'If-Match': '"1"' },
        body: { maxEntries: 100 },
      });
      expect(changed.body).toMatchObject({ maxEntries: 100, stream: 'bucket-events', revision: '2' });
      const again = await api('PATCH', `/${target.id}`, { headers: { 'If-Match': '"1"' }, body: { maxEntries: 1 } });
      expect(again.status).toBe(412);
      await suite.s3.send(new DeleteObjectCommand({ Bucket, Key: 'late' }));
      await until('it comes', async () => (await redis.xlen('bucket-events')) === 2);
      await suite.s3.send(new DeleteBucketCommand({ Bucket }));
      expect((await api('DELETE', `/${target.id}`)).status).toBe(204);
    } finally {
      redis.disconnect();
      await server.kill();
    }
  });
});
