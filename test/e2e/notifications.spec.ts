import type { NotificationConfiguration } from '@aws-sdk/client-s3';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetBucketNotificationConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { ask } from '../support/admin-requests';
import { until } from '../support/until';
import { WEBHOOK_SECRET, WebhookReceiver } from '../support/webhook-receiver';
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
    const body = { name: 'hook', kind: 'webhook', url: receiver.url, secret: WEBHOOK_SECRET };
    const created = await ask(suite.vaultaire, 'POST', TARGETS, { body });
    expect(created).toMatchObject({ status: 201, body: { arn: 'arn:vaultaire:sqs:us-east-1::hook', health: 'ok' } });
    expect(JSON.stringify(created.body)).not.toContain(WEBHOOK_SECRET);
    arn = created.body.arn;
  });
  afterAll(() => receiver.stop());

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
});
