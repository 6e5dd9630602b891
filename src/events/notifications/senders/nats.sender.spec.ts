import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { connect } from '@nats-io/transport-node';
import { isNatsInstalled, NatsServer } from '../../../../test/support/nats-server';
import { AddressGuard } from './address-guard';
import { NatsSender } from './nats.sender';

const USER = { name: 'events', password: 'the password' };

(isNatsInstalled ? describe : describe.skip)('NatsSender (skipped where nats-server is not installed)', () => {
  const guard = new AddressGuard(['127.0.0.0/8']);
  const senders: NatsSender[] = [];
  let server: NatsServer;
  let nats: NatsConnection;

  beforeAll(async () => {
    server = await NatsServer.start(USER);
    nats = await login();
    const manager = await jetstreamManager(nats);
    await manager.streams.add({ name: 'buckets', subjects: ['buckets.>'] });
  });
  afterEach(async () => {
    for (const sender of senders.splice(0)) await sender.close();
  });
  afterAll(async () => {
    await nats.close();
    await server.stop();
  });

  const login = (): Promise<NatsConnection> =>
    connect({ servers: server.url, user: USER.name, pass: USER.password, reconnect: false });

  function senderTo(subject: string, password = USER.password, by = guard, host = '127.0.0.1'): NatsSender {
    const url = server.url.replace('//', `//${USER.name}@`).replace('127.0.0.1', host);
    const sender = new NatsSender({ url, subject }, password, by);
    senders.push(sender);
    return sender;
  }

  async function messages(subject: string): Promise<unknown[]> {
    const consumer = await jetstream(nats).consumers.get('buckets', { filter_subjects: subject });
    const found: unknown[] = [];
    for await (const message of await consumer.fetch({ max_messages: 100, expires: 1_000 })) {
      found.push(message.json());
      if (message.info.pending === 0) break;
    }
    return found;
  }

  it('publishes events in order, and one that is sent again once', async () => {
    const sender = senderTo('buckets.ordered');
    for (const id of ['1', '2', '2', '3']) await sender.send({ id, body: `{"n":${id}}` });
    expect(await messages('buckets.ordered')).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  });

  it('takes for delivered only what a stream has taken', async () => {
    await expect(senderTo('elsewhere').send({ id: 'a', body: '{}' })).rejects.toMatchObject({ kind: 'unavailable' });
    const sender = senderTo('buckets.large');
    await expect(sender.send({ id: 'b', body: 'x'.repeat(2 ** 21) })).rejects.toMatchObject({ kind: 'refused' });
    await expect(senderTo('buckets.x', 'a guess').send({ id: 'c', body: '{}' })).rejects.toMatchObject({
      kind: 'unavailable',
    });
  });

  it('connects to no address that is not allowed, by whichever name', async () => {
    const closed = new AddressGuard([]);
    for (const host of ['127.0.0.1', 'localhost']) {
      await expect(
        senderTo('buckets.x', USER.password, closed, host).send({ id: 'd', body: '{}' }),
      ).rejects.toMatchObject({
        kind: 'unavailable',
        message: expect.stringContaining('notifications.allowedNetworks'),
      });
    }
  });

  it('goes on when a server that was away is back', async () => {
    const sender = senderTo('buckets.back');
    await sender.send({ id: 'e', body: '{"n":1}' });
    await server.kill();
    await expect(sender.send({ id: 'f', body: '{"n":2}' })).rejects.toMatchObject({ kind: 'unavailable' });
    await server.start();
    await sender.send({ id: 'f', body: '{"n":2}' });
    nats = await login();
    expect(await messages('buckets.back')).toEqual([{ n: 1 }, { n: 2 }]);
  });
});
