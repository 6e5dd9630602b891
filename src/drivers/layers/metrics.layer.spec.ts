import { contextOf, kindOf, sourceOf } from '../../../test/conformance/describe-driver';
import { faultLayer } from '../../../test/support/fault.layer';
import type { Fault } from '../../../test/support/fault.layer';
import { blobId, blobKey, tenantId } from '../../context/ids';
import { MemoryDriver } from '../memory/memory.driver';
import { composeLayers } from './compose-layers';
import { metricsLayer } from './metrics.layer';

const tenant = tenantId('t1');
const key = blobKey(tenant, blobId('b1'));

function setUp(fault?: Fault) {
  const observed: (readonly [string, string, string | undefined])[] = [];
  const calls: string[] = [];
  const ctx = { ...contextOf(tenant), observer: { driverCalled: (name: string) => calls.push(name) } };
  const metrics = {
    observe: (driver: string, operation: string, seconds: number, kind: string | undefined) => {
      expect(seconds).toBeGreaterThanOrEqual(0);
      observed.push([driver, operation, kind]);
    },
  };
  const driver = composeLayers(new MemoryDriver('m'), [metricsLayer(metrics), faultLayer(() => fault)]);
  return { driver, ctx, observed, calls };
}

describe('the metrics layer', () => {
  it('reports every call once, to the metrics and to the request', async () => {
    const { driver, ctx, observed, calls } = setUp();
    await driver.write(ctx, key, sourceOf(Buffer.from('abc')), { sizeBytes: 3 });
    await (await driver.read(ctx, key)).body.toArray();
    await driver.stat(ctx, key);
    for await (const listing of driver.list(ctx)) expect(listing.key).toBe(key);
    await driver.delete(ctx, key);
    await driver.health(ctx);
    expect(observed).toEqual(
      ['write', 'read', 'stat', 'list', 'delete', 'health'].map((name) => ['m', name, undefined]),
    );
    expect(calls).toEqual(Array.from({ length: 6 }, () => 'm'));
  });

  it('reports a failure by its kind and passes it on', async () => {
    const { driver, ctx, observed } = setUp({ do: 'fail', kind: 'RateLimited' });
    expect(await kindOf(driver.stat(ctx, key))).toBe('RateLimited');
    expect(await kindOf(driver.list(ctx)[Symbol.asyncIterator]().next())).toBe('RateLimited');
    expect(observed).toEqual([
      ['m', 'stat', 'RateLimited'],
      ['m', 'list', 'RateLimited'],
    ]);
  });

  it('does not blame the backend for a source that breaks', async () => {
    const { driver, ctx, observed } = setUp();
    const mine = new Error('gone');
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(Buffer.from('a'));
      throw mine;
    };
    await expect(driver.write(ctx, key, broken(), { sizeBytes: 2 })).rejects.toBe(mine);
    expect(observed).toEqual([['m', 'write', 'Aborted']]);
  });

  it('passes on a body that breaks midway', async () => {
    const { driver, ctx } = setUp({ do: 'break', afterBytes: 2, kind: 'Unavailable' });
    expect(await kindOf(driver.write(ctx, key, sourceOf(Buffer.from('abc')), { sizeBytes: 3 }))).toBe('Unavailable');
  });
});
