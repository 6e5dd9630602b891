import { CreateBucketCommand, PutBucketNotificationConfigurationCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { ask } from '../support/admin-requests';
import type { RunningVaultaire } from '../support/start-vaultaire';
import { startVaultaire } from '../support/start-vaultaire';
import { until } from '../support/until';
import { WEBHOOK_SECRET, WebhookReceiver } from '../support/webhook-receiver';

const BUCKET = 'notified';
const CLIENTS = 4;
const KEYS = ['a', 'b', 'c', 'd', 'e'];

describe('notifications, when the gateway goes', () => {
  let vaultaire: RunningVaultaire;
  let receiver: WebhookReceiver;

  beforeAll(async () => {
    receiver = await WebhookReceiver.start();
    vaultaire = await startVaultaire({
      config: { notifications: { allowedNetworks: ['127.0.0.1'], retrySeconds: 0.1 } },
    });
  }, 60_000);
  afterAll(async () => {
    await vaultaire.stop();
    await receiver.stop();
  }, 60_000);

  it('come for every change that was answered, in order for each key, by whoever comes next', async () => {
    const target = { name: 'hook', kind: 'webhook', url: receiver.url, secret: WEBHOOK_SECRET };
    const { body } = await ask(vaultaire, 'POST', '/api/v1/notification-targets', { body: target });
    let s3 = vaultaire.s3Client();
    await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
    const NotificationConfiguration = {
      QueueConfigurations: [{ QueueArn: String(body.arn), Events: ['s3:ObjectCreated:*' as const] }],
    };
    await s3.send(new PutBucketNotificationConfigurationCommand({ Bucket: BUCKET, NotificationConfiguration }));

    /** Sizes of what was answered, by key: each write has one of its own. */
    const answered: { readonly key: string; readonly size: number }[] = [];
    let lastSize = 0;
    async function load(isOver: () => boolean): Promise<void> {
      const clients = Array.from({ length: CLIENTS }, async () => {
        while (!isOver()) {
          const size = (lastSize += 1);
          const key = KEYS[size % KEYS.length] ?? '';
          try {
            await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: 'x'.repeat(size) }));
          } catch {
            return;
          }
          answered.push({ key, size });
        }
      });
      await Promise.all(clients);
    }

    const running = load(() => false);
    await until('some are told, and more are on their way', () => receiver.records.length > 40);
    await vaultaire.kill9();
    await running;
    await vaultaire.start();
    s3 = vaultaire.s3Client();
    const end = answered.length + 20;
    await load(() => answered.length >= end);

    const sizesOf = (key: string): Set<number | undefined> =>
      new Set(
        receiver.records.filter(({ s3: about }) => about.object.key === key).map(({ s3: { object } }) => object.size),
      );
    await until('all are told', () => answered.every(({ key, size }) => sizesOf(key).has(size)));
    for (const key of KEYS) {
      const records = receiver.recordsOf(BUCKET).filter(({ s3: about }) => about.object.key === key);
      const sequencers = records.map(({ s3: about }) => about.object.sequencer);
      expect(sequencers).toEqual([...sequencers].sort());
    }
  }, 60_000);
});
