import { randomBytes } from 'node:crypto';
import { ask } from '../support/admin-requests';
import { isRedisInstalled, RedisServer } from '../support/redis-server';
import type { Signer } from '../support/signed-request';
import { sendSigned } from '../support/signed-request';
import type { RunningVaultaire } from '../support/start-vaultaire';
import { startVaultaire } from '../support/start-vaultaire';
import { until } from '../support/until';

jest.setTimeout(60_000);

const BURST = 40;
/** Of so many requests to each gateway. */
const TIMES = 60;
/** So many at once, and then none that a test would see. */
const LIMITS = { tenant: { requests: { list: { perSecond: 0.001, burst: BURST } } } };

interface Tenant {
  readonly key: Signer;
  readonly bucket: string;
}

(isRedisInstalled ? describe : describe.skip)('rate limits of two gateways (skipped without redis-server)', () => {
  const gateways: RunningVaultaire[] = [];
  let redis: RedisServer;

  beforeAll(async () => {
    redis = await RedisServer.start();
    const env = { REDIS_URL: redis.url, VAULTAIRE_MASTER_KEY: randomBytes(32).toString('hex') };
    const first = await startVaultaire({ workers: 2, env });
    gateways.push(first);
    // Not a database of its own, but the first one's.
    gateways.push(await startVaultaire({ database: 'embedded', env: { ...env, DATABASE_URL: first.databaseUrl } }));
  });

  afterAll(async () => {
    for (const gateway of gateways.reverse()) await gateway.stop();
    await redis.kill();
  });

  /** With a bucket, and a key that nobody has seen before the limits were there. */
  async function limitedTenant(): Promise<Tenant> {
    const gateway = gateways[0];
    if (gateway === undefined) throw new Error('the gateway was not started');
    const tenant = `t-${randomBytes(6).toString('hex')}`;
    const path = `/api/v1/tenants/${tenant}`;
    await ask(gateway, 'POST', '/api/v1/tenants', { body: { name: tenant } });
    await ask(gateway, 'POST', `${path}/users`, { body: { name: 'u' } });
    const { headers } = await ask(gateway, 'GET', `${path}/limits`);
    const etag = { 'If-Match': headers.get('ETag') ?? '' };
    expect(await ask(gateway, 'PUT', `${path}/limits`, { body: LIMITS, headers: etag })).toMatchObject({ status: 200 });
    const { body } = await ask(gateway, 'POST', `${path}/users/u/keys`, { body: {} });
    const key = { accessKeyId: String(body.accessKeyId), secretKey: String(body.secretKey) };
    const bucket = `b-${randomBytes(6).toString('hex')}`;
    expect(await sendSigned(gateway, key, { method: 'PUT', path: `/${bucket}` })).toMatchObject({ status: 200 });
    return { key, bucket };
  }

  /** By each gateway, of so many requests that came to all at the same time. */
  async function admitted({ key, bucket }: Tenant, times: number): Promise<readonly number[]> {
    const request = { method: 'GET', path: `/${bucket}`, query: { 'list-type': '2' } };
    return Promise.all(
      gateways.map(async (gateway) => {
        const answers = await Promise.all(Array.from({ length: times }, () => sendSigned(gateway, key, request)));
        for (const { status, code } of answers) expect(code).toBe(status === 200 ? undefined : 'SlowDown');
        return answers.filter(({ status }) => status === 200).length;
      }),
    );
  }

  async function untilAllSay(name: string, value: number): Promise<void> {
    const saysSo = async ({ adminEndpoint }: RunningVaultaire): Promise<boolean> =>
      (await (await fetch(`${adminEndpoint}/metrics`)).text()).split('\n').includes(`${name} ${String(value)}`);
    await until(`${name} is ${String(value)}`, async () => (await Promise.all(gateways.map(saysSo))).every(Boolean));
  }

  /** Of a limit that both have between them. */
  function expectShared(counts: readonly number[]): void {
    const sum = counts.reduce((total, count) => total + count, 0);
    expect(sum).toBeLessThanOrEqual(BURST);
    // What a machine has leased ahead and not used may be missing.
    expect(sum).toBeGreaterThanOrEqual(BURST * 0.75);
  }

  it('are one while Redis answers, each its own while it is away, and one again after', async () => {
    await untilAllSay('vaultaire_rate_limit_store_up', 1);
    const tenant = await limitedTenant();
    const shared = await admitted(tenant, TIMES);
    expectShared(shared);

    await redis.kill();
    await untilAllSay('vaultaire_rate_limit_store_up', 0);
    // Each has a bucket of its own, from which it has taken what it let in before.
    const left = shared.map((count) => BURST - count);
    let alone: readonly number[] = [0, 0];
    await until('each lets in what its own bucket has', async () => {
      const more = await admitted(tenant, BURST);
      alone = alone.map((count, at) => count + (more[at] ?? 0));
      return alone.every((count, at) => count >= (left[at] ?? 0));
    });
    expect(alone).toEqual(left);
    expect(await admitted(tenant, 5)).toEqual([0, 0]);

    await redis.start();
    await untilAllSay('vaultaire_rate_limit_store_up', 1);
    expectShared(await admitted(await limitedTenant(), TIMES));
  });
});
