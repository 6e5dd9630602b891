import { contextOf, kindOf, sourceOf } from '../../../test/conformance/describe-driver';
import { faultLayer } from '../../../test/support/fault.layer';
import type { Fault } from '../../../test/support/fault.layer';
import { blobId, blobKey, tenantId } from '../../context/ids';
import type { OperationContext } from '../../context/operation-context';
import type { Driver, DriverHealth } from '../driver';
import type { DriverErrorKind } from '../driver.errors';
import { MemoryDriver } from '../memory/memory.driver';
import { breakerLayer, DEFAULT_BREAKER } from './breaker.layer';
import { composeLayers } from './compose-layers';
import { WrappedDriver } from './wrapped-driver';

const tenant = tenantId('t1');
const key = blobKey(tenant, blobId('b1'));
const ctx = contextOf(tenant);

/** Its health is what the test says, and is counted. */
class ProbedDriver extends WrappedDriver {
  answer: () => Promise<DriverHealth> = () => Promise.resolve({ isHealthy: true, latencyMs: 1 });
  probes = 0;

  override health(_ctx: OperationContext): Promise<DriverHealth> {
    this.probes += 1;
    return this.answer();
  }
}

const UNHEALTHY: DriverHealth = { isHealthy: false, reason: 'still down' };

describe('the circuit breaker', () => {
  let fault: Fault | undefined;
  let calls: number;
  let isCutOff: () => boolean;
  let probed: ProbedDriver | undefined;
  let driver: Driver;

  beforeEach(() => {
    fault = undefined;
    calls = 0;
    const options = { ...DEFAULT_BREAKER, windowCalls: 10, minCalls: 4, openMs: 1_000, maxOpenMs: 1_000 };
    const telemetry = { watchBreaker: (_: string, read: () => boolean) => (isCutOff = read) };
    driver = composeLayers(new MemoryDriver('m'), [
      breakerLayer(options, telemetry),
      (inner) => (probed = new ProbedDriver(inner)),
      faultLayer(() => {
        calls += 1;
        return fault;
      }),
    ]);
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  const fail = (kind: DriverErrorKind) => (fault = { do: 'fail', kind });
  const stat = (): Promise<string> => kindOf(driver.stat(ctx, key));
  async function open(): Promise<void> {
    fail('Unavailable');
    for (let call = 0; call < 4; call += 1) await stat();
    expect(isCutOff()).toBe(true);
    fault = undefined;
  }

  it('cuts a failing backend off, and says when to come back', async () => {
    await open();
    const before = calls;
    await expect(driver.stat(ctx, key)).rejects.toMatchObject({ kind: 'Unavailable', retryAfterSeconds: 1 });
    expect(await kindOf(driver.write(ctx, key, sourceOf(Buffer.from('x')), { sizeBytes: 1 }))).toBe('Unavailable');
    expect(await kindOf(driver.list(ctx)[Symbol.asyncIterator]().next())).toBe('Unavailable');
    expect(calls).toBe(before);
  });

  it.each(['NotFound', 'AlreadyExists', 'Aborted', 'Corrupted', 'NoSpace', 'RateLimited', 'Archived'] as const)(
    'is not opened by %s',
    async (kind) => {
      fail(kind);
      for (let call = 0; call < 20; call += 1) expect(await stat()).toBe(kind);
      expect(isCutOff()).toBe(false);
    },
  );

  it('is not opened by sources that break', async () => {
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(Buffer.from('a'));
      throw new Error('the client went away');
    };
    for (let call = 0; call < 20; call += 1) {
      await expect(driver.write(ctx, key, broken(), { sizeBytes: 2 })).rejects.toThrow('the client went away');
    }
    expect(isCutOff()).toBe(false);
  });

  it('is opened by bodies that break midway', async () => {
    await driver.write(ctx, key, sourceOf(Buffer.alloc(1000)), { sizeBytes: 1000 });
    fault = { do: 'break', afterBytes: 10, kind: 'Unavailable' };
    for (let call = 0; call < 10 && !isCutOff(); call += 1) {
      const { body } = await driver.read(ctx, key);
      expect(await kindOf(body.toArray())).toBe('Unavailable');
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(isCutOff()).toBe(true);
  });

  it('is closed by one probe after its time, and lets the call through that sent it', async () => {
    await open();
    jest.advanceTimersByTime(1_001);
    expect(await stat()).toBe('NotFound');
    expect(probed?.probes).toBe(1);
    expect(isCutOff()).toBe(false);
  });

  it('refuses all other calls while the probe is under way', async () => {
    await open();
    jest.advanceTimersByTime(1_001);
    const health = Promise.withResolvers<DriverHealth>();
    if (probed !== undefined) probed.answer = () => health.promise;
    const first = stat();
    for (let call = 0; call < 5; call += 1) expect(await stat()).toBe('Unavailable');
    health.resolve({ isHealthy: true, latencyMs: 1 });
    expect(await first).toBe('NotFound');
    expect(probed?.probes).toBe(1);
  });

  it('stays open for another time when the probe fails', async () => {
    await open();
    if (probed !== undefined) probed.answer = () => Promise.resolve(UNHEALTHY);
    jest.advanceTimersByTime(1_001);
    const before = calls;
    expect(await stat()).toBe('Unavailable');
    expect(await stat()).toBe('Unavailable');
    expect(calls).toBe(before);
    expect(probed?.probes).toBe(1);
    expect(isCutOff()).toBe(true);
  });

  it('takes a health check for the probe', async () => {
    await open();
    jest.advanceTimersByTime(1_001);
    expect(await driver.health(ctx)).toMatchObject({ isHealthy: true });
    expect(isCutOff()).toBe(false);
  });
});
