import { isRedisInstalled, RedisServer } from '../../../test/support/redis-server';
import { until } from '../../../test/support/until';
import { Allowances } from './allowances';
import { LimitLedger } from './limit-ledger';
import { LocalLeaseChannel } from './local-lease-channel';
import { RedisBuckets } from './redis-buckets';
import type { SharedLeaseRequest } from './shared-buckets';

/** Refills so slowly that no test sees it. */
const SLOW = { perSecond: 0.001, burst: 40 };

(isRedisInstalled ? describe : describe.skip)('RedisBuckets (skipped where redis-server is not installed)', () => {
  let server: RedisServer;
  const open: RedisBuckets[] = [];
  let lastKey = 0;

  beforeAll(async () => {
    server = await RedisServer.start();
  });

  afterEach(async () => {
    for (const buckets of open.splice(0)) await buckets.close();
  });

  afterAll(() => server.kill());

  async function connect(log: string[] = []): Promise<RedisBuckets> {
    const buckets = new RedisBuckets(server.url, (level, message) => log.push(`${level} ${message}`));
    open.push(buckets);
    await until('Redis answers', () => buckets.isUp);
    return buckets;
  }

  function request(overrides: Partial<SharedLeaseRequest> = {}): SharedLeaseRequest {
    return { key: `k${String(lastKey)}`, kind: 'tokens', ...SLOW, need: 1, spare: 0, returned: 0, ...overrides };
  }

  beforeEach(() => {
    lastKey += 1;
  });

  it('grants what there is, and the time until there is more', async () => {
    const buckets = await connect();
    expect(await buckets.lease(request({ need: 30 }))).toEqual({ granted: 30, waitMs: 0 });
    const lease = await buckets.lease(request({ need: 30, perSecond: 1 }));
    expect(lease?.granted).toBe(10);
    expect(lease?.waitMs).toBeGreaterThan(0);
    expect(lease?.waitMs).toBeLessThanOrEqual(1_000);
  });

  it('leases ahead only a part of what is left', async () => {
    const buckets = await connect();
    expect((await buckets.lease(request({ need: 4, spare: 20 })))?.granted).toBe(13);
  });

  it('takes back what was not used, and never fills beyond the burst', async () => {
    const buckets = await connect();
    await buckets.lease(request({ need: 40 }));
    expect((await buckets.lease(request({ need: 0, returned: 15 })))?.granted).toBe(0);
    expect((await buckets.lease(request({ need: 40, returned: 1_000 })))?.granted).toBe(40);
    expect((await buckets.lease(request({ need: 40 })))?.granted).toBe(0);
  });

  it('grants debts in any case, with the time until they are paid', async () => {
    const buckets = await connect();
    const debt = request({ kind: 'debt', perSecond: 100, need: 140 });
    const lease = await buckets.lease(debt);
    expect(lease?.granted).toBe(140);
    expect(lease?.waitMs).toBeGreaterThan(900);
    expect(lease?.waitMs).toBeLessThanOrEqual(1_000);
  });

  it('lets two machines have a limit between them once', async () => {
    const machines = [new LimitLedger({ shared: await connect() }), new LimitLedger({ shared: await connect() })];
    const asked = { key: `k${String(lastKey)}`, kind: 'tokens' as const, ...SLOW, spent: 0, returned: 0, refunded: 0 };
    const granted = await Promise.all(
      Array.from(
        { length: 100 },
        (_, at) =>
          new Promise<number>((resolve) => {
            machines[at % 2]?.report(1, { ...asked, ask: at + 1, need: 1, spare: 0 }, (grant) => {
              resolve(grant.granted);
            });
          }),
      ),
    );
    const sum = granted.reduce((total, count) => total + count, 0);
    expect(sum).toBeLessThanOrEqual(SLOW.burst);
    // What a machine has leased ahead and not used may be missing.
    expect(sum).toBeGreaterThanOrEqual(SLOW.burst * 0.7);
  });

  it('serves those who come together, on each machine', async () => {
    const channels = await Promise.all(
      [1, 2].map(async () => {
        const shared = await connect();
        return new LocalLeaseChannel(new LimitLedger({ shared }), shared);
      }),
    );
    const tenant = `t${String(lastKey)}`;
    const machines = channels.map((channel) => new Allowances(channel).subject('tenant', tenant).of('read'));
    const waits = machines.flatMap((machine) => Array.from({ length: 60 }, async () => machine.take(SLOW)));
    const admitted = (await Promise.all(waits)).filter((wait) => wait === 0).length;
    for (const channel of channels) await channel.close();
    expect(admitted).toBe(SLOW.burst);
  });

  it('answers nothing while Redis is away, says so once, and goes on when it is back', async () => {
    const log: string[] = [];
    const buckets = await connect(log);
    const changes: boolean[] = [];
    buckets.onChange(() => changes.push(buckets.isUp));
    const { epoch } = buckets;
    await server.kill();
    await until('it is noticed', () => !buckets.isUp);
    expect(await buckets.lease(request())).toBeUndefined();
    await server.start();
    await until('it is used again', () => buckets.isUp);
    // It has forgotten the script, too.
    expect(await buckets.lease(request())).toEqual({ granted: 1, waitMs: 0 });
    expect(buckets.epoch).toBe(epoch + 1);
    expect(changes).toEqual([false, true]);
    expect(log.filter((line) => line.startsWith('warn'))).toHaveLength(1);
  });
});
