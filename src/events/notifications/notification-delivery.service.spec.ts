import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { until } from '../../../test/support/until';
import { WEBHOOK_SECRET, WebhookReceiver } from '../../../test/support/webhook-receiver';
import { VaultaireConfig } from '../../config/vaultaire-config';
import { retainNotifications } from './notification-retention';
import { OutboxFixture } from './outbox.fixture';
import type { NotifiedContainer } from './outbox.fixture';

jest.setTimeout(60_000);

describe('the delivery of notifications', () => {
  let outbox: OutboxFixture;
  let receiver: WebhookReceiver;
  let target: string;

  beforeAll(async () => {
    Logger.overrideLogger(false);
    outbox = await OutboxFixture.open();
  });
  afterAll(() => outbox.close());

  beforeEach(async () => {
    receiver = await WebhookReceiver.start();
    target = await outbox.target({ kind: 'webhook', url: receiver.url }, WEBHOOK_SECRET);
  });
  afterEach(async () => {
    await outbox.stop();
    await receiver.stop();
    await outbox.pool.query('DELETE FROM notification_rules');
    await outbox.targets.delete(target);
  });

  const container = (): Promise<NotifiedContainer> => outbox.container([{ targetId: target }]);
  const sequencers = (key: string): string[] =>
    receiver.records.filter(({ s3 }) => s3.object.key === key).map(({ s3 }) => s3.object.sequencer);
  const keyOf = (body: {
    readonly Records?: readonly { readonly s3: { readonly object: { readonly key: string } } }[];
  }) => body.Records?.[0]?.s3.object.key;
  const waiting = async (): Promise<number> => (await outbox.states(target)).pending ?? 0;

  it('brings each event, in order for each key, by several processes through a flaky receiver', async () => {
    let turn = 0;
    receiver.answer = () => {
      turn += 1;
      return turn % 7 === 0 ? 503 : turn % 11 === 0 ? 429 : 200;
    };
    const notified = await container();
    outbox.start();
    outbox.start();
    const keys = ['a', 'b', 'c', 'd', 'e'];
    await Promise.all(
      keys.map(async (key) => {
        for (let round = 0; round < 20; round += 1) await outbox.put(notified, key);
        await outbox.delete(notified, key);
      }),
    );
    await until('all are delivered', async () => (await waiting()) === 0);
    expect(await outbox.states(target)).toEqual({ delivered: 21 * keys.length + 1 });
    for (const key of keys) {
      // A process that stood still for seconds may have sent some twice.
      const seen = [...new Set(sequencers(key))];
      expect(seen).toHaveLength(21);
      expect(seen).toEqual([...seen].sort());
    }
    expect(receiver.messages.every(({ isGenuine }) => isGenuine)).toBe(true);
  });

  it('gives up nothing while the receiver is down, however often it is tried', async () => {
    const notified = await container();
    await receiver.stop();
    outbox.start();
    for (const key of ['x', 'y', 'z']) await outbox.put(notified, key);
    await until('it was tried more often than an event is', async () => {
      const { rows } = await outbox.pool.query<{ failures: number }>(
        'SELECT failures FROM notification_target_states WHERE target_id = $1',
        [target],
      );
      return (rows[0]?.failures ?? 0) > 5;
    });
    expect(await outbox.states(target)).toEqual({ pending: 4 });
    const down = await outbox.targets.find(undefined, target);
    expect(down).toMatchObject({ waiting: 4, deadLetters: 0, lastError: expect.stringContaining('ECONNREFUSED') });
    expect(down?.failingSince).toBeInstanceOf(Date);
    expect(down?.lagSeconds).toBeGreaterThan(0);
    await receiver.start();
    await until('all are delivered', async () => (await waiting()) === 0);
    expect(receiver.records.map(({ s3 }) => s3.object.key).sort()).toEqual(['x', 'y', 'z']);
    const up = await outbox.targets.find(undefined, target);
    expect(up).toMatchObject({ waiting: 0, lagSeconds: 0, failingSince: undefined });
  });

  it('tries what is refused five times, holds up only its key, and sends dead letters again when asked', async () => {
    let isRefused = true;
    receiver.answer = ({ body }) => (isRefused && keyOf(body) === 'bad' ? 422 : 200);
    const notified = await container();
    await outbox.put(notified, 'bad');
    await outbox.put(notified, 'good');
    outbox.start();
    await until('it is given up', async () => (await outbox.states(target)).dead === 1);
    expect(receiver.messages.filter(({ body }) => keyOf(body) === 'bad')).toHaveLength(5);
    expect(sequencers('good')).toHaveLength(1);
    const [letter] = await outbox.targets.deadLetters(target, undefined, 10);
    expect(letter).toMatchObject({ key: 'bad', attempts: 5, last_error: 'The receiver answered 422' });
    expect(await outbox.targets.deadLetters(target, letter?.id, 10)).toEqual([]);
    isRefused = false;
    await outbox.put(notified, 'bad');
    await until('what follows it is sent', () => sequencers('bad').length === 1);
    expect(await outbox.targets.replay(target, new Date(0), true)).toBe(1);
    await until('it is sent after all', () => sequencers('bad').length === 2);
    expect(sequencers('good')).toHaveLength(1);
  });

  it('gives up an event that breaks a receiver which takes others', async () => {
    receiver.answer = ({ body }) => (keyOf(body) === 'poison' ? 500 : 200);
    const notified = await container();
    await outbox.put(notified, 'poison');
    outbox.start();
    let sent = 0;
    await until('it is given up', async () => {
      sent += 1;
      await outbox.put(notified, `other-${String(sent)}`);
      return (await outbox.states(target)).dead === 1;
    });
    expect(await outbox.targets.deadLetters(target, undefined, 10)).toMatchObject([{ key: 'poison' }]);
  });

  it('sends again from a time on', async () => {
    const notified = await container();
    outbox.start();
    await outbox.put(notified, 'old');
    await until('it is sent', () => receiver.records.length === 1);
    await until('that is written down', async () => (await waiting()) === 0);
    const { rows } = await outbox.pool.query<{ now: Date }>('SELECT clock_timestamp() AS now');
    await outbox.put(notified, 'new');
    await until('it is sent', async () => receiver.records.length === 2 && (await waiting()) === 0);
    expect(await outbox.targets.replay(target, rows[0]?.now ?? new Date(0), false)).toBe(1);
    await until('it is sent again', () => sequencers('new').length === 2);
    expect(new Set(sequencers('new')).size).toBe(1);
    expect(sequencers('old')).toHaveLength(1);
  });

  it('leaves a target to the process that holds it, until its claim runs out', async () => {
    const notified = await container();
    await outbox.pool.query(
      `UPDATE notification_target_states SET holder = $2, held_until = clock_timestamp() + interval '1.2 seconds'
       WHERE target_id = $1`,
      [target, randomUUID()],
    );
    const { rows } = await outbox.pool.query<{ until: Date }>(
      'SELECT held_until AS until FROM notification_target_states WHERE target_id = $1',
      [target],
    );
    await outbox.put(notified, 'key');
    outbox.start();
    await until('another goes on', () => receiver.records.length === 1);
    const { rows: after } = await outbox.pool.query<{ now: Date }>('SELECT clock_timestamp() AS now');
    expect(Number(after[0]?.now)).toBeGreaterThanOrEqual(Number(rows[0]?.until));
  });

  it('connects to no address that the operator has not allowed', async () => {
    const named = await outbox.target(
      { kind: 'webhook', url: receiver.url.replace('127.0.0.1', 'localhost') },
      's'.repeat(16),
    );
    await outbox.container([{ targetId: target }]);
    await outbox.container([{ targetId: named }]);
    outbox.start({ allowedNetworks: [] });
    for (const id of [target, named]) {
      await until('it was tried', async () => (await outbox.targets.find(undefined, id))?.failingSince !== undefined);
      expect(await outbox.targets.find(undefined, id)).toMatchObject({
        waiting: 1,
        lastError: expect.stringContaining('notifications.allowedNetworks'),
      });
    }
    expect(receiver.messages).toEqual([]);
  });

  it('keeps what was sent, and what was not, for as long as is said', async () => {
    const notified = await container();
    for (const key of ['sent', 'waits', 'dead']) await outbox.put(notified, key);
    await outbox.pool.query(
      `UPDATE notification_outbox SET occurred_at = now() - interval '8 days',
         state = CASE key WHEN 'sent' THEN 'delivered' WHEN 'dead' THEN 'dead' ELSE 'pending' END
       WHERE target_id = $1 AND key <> ''`,
      [target],
    );
    const run = (): Promise<void> =>
      retainNotifications.run(outbox.database, new VaultaireConfig(), new AbortController().signal);
    await run();
    expect(await outbox.states(target)).toEqual({ pending: 1, dead: 2 });
    await outbox.pool.query(
      `UPDATE notification_outbox SET occurred_at = now() - interval '15 days' WHERE target_id = $1 AND key = 'dead'`,
      [target],
    );
    await run();
    expect(await outbox.states(target)).toEqual({ pending: 1, dead: 1 });
  });
});
