import { Redis } from 'ioredis';
import { isRedisInstalled, RedisServer } from '../../../../test/support/redis-server';
import { AddressGuard } from './address-guard';
import { RedisSender } from './redis.sender';
import type { RedisSettings } from './redis.sender';

(isRedisInstalled ? describe : describe.skip)('RedisSender (skipped where redis-server is not installed)', () => {
  const guard = new AddressGuard(['127.0.0.0/8']);
  const senders: RedisSender[] = [];
  let server: RedisServer;
  let redis: Redis;

  beforeAll(async () => {
    server = await RedisServer.start();
    redis = new Redis(server.url);
    redis.on('error', () => undefined);
  });
  afterEach(async () => {
    for (const sender of senders.splice(0)) await sender.close();
  });
  afterAll(async () => {
    redis.disconnect();
    await server.kill();
  });

  function senderTo(settings: Partial<RedisSettings>, password?: string, by = guard): RedisSender {
    const sender = new RedisSender({ url: server.url, stream: 'events', ...settings }, password, by);
    senders.push(sender);
    return sender;
  }

  const entries = async (stream: string): Promise<string[][]> =>
    (await redis.xrange(stream, '-', '+')).map(([, fields]) => fields);

  it('adds events to a stream, in order, on one connection', async () => {
    const sender = senderTo({ stream: 'ordered', url: `${server.url}/0` });
    for (const id of ['1', '2', '3']) await sender.send({ id, body: `{"n":${id}}` });
    expect(await entries('ordered')).toEqual([
      ['id', '1', 'event', '{"n":1}'],
      ['id', '2', 'event', '{"n":2}'],
      ['id', '3', 'event', '{"n":3}'],
    ]);
  });

  it('keeps about as many entries as is said', async () => {
    const sender = senderTo({ stream: 'short', maxEntries: 10 });
    await Promise.all(Array.from({ length: 500 }, (_, at) => sender.send({ id: String(at), body: '{}' })));
    expect(await redis.xlen('short')).toBeLessThan(300);
  });

  it('logs in', async () => {
    await redis.acl('SETUSER', 'events', 'on', '>the password', '~*', '+@all');
    const url = server.url.replace('redis://', 'redis://events@');
    await senderTo({ url, stream: 'private' }, 'the password').send({ id: '1', body: '{}' });
    expect(await entries('private')).toHaveLength(1);
    const intruder = senderTo({ url, stream: 'private' }, 'a guess');
    await expect(intruder.send({ id: '2', body: '{}' })).rejects.toMatchObject({ kind: 'unavailable' });
    expect(await entries('private')).toHaveLength(1);
  });

  it('tells a key that holds something else from a server that is away, and goes on when that is back', async () => {
    await redis.set('text', 'no stream');
    await expect(senderTo({ stream: 'text' }).send({ id: '1', body: '{}' })).rejects.toMatchObject({ kind: 'refused' });
    const sender = senderTo({ stream: 'back' });
    await sender.send({ id: '1', body: '{}' });
    await server.kill();
    await expect(sender.send({ id: '2', body: '{}' })).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(sender.send({ id: '2', body: '{}' })).rejects.toMatchObject({ kind: 'unavailable' });
    await server.start();
    await sender.send({ id: '2', body: '{}' });
    const again = new Redis(server.url);
    expect(await again.xlen('back')).toBe(1);
    again.disconnect();
  });

  it('connects to no address that is not allowed, by whichever name', async () => {
    const closed = new AddressGuard([]);
    for (const url of [server.url, server.url.replace('127.0.0.1', 'localhost')]) {
      await expect(senderTo({ url }, undefined, closed).send({ id: '1', body: '{}' })).rejects.toMatchObject({
        kind: 'unavailable',
        message: expect.stringContaining('notifications.allowedNetworks'),
      });
    }
  });
});
