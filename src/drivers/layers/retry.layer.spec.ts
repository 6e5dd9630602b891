import { contextOf, kindOf, sourceOf } from '../../../test/conformance/describe-driver';
import { faultLayer } from '../../../test/support/fault.layer';
import type { Fault } from '../../../test/support/fault.layer';
import { blobId, blobKey, tenantId } from '../../context/ids';
import { delayBeforeRetry } from '../backoff';
import type { Driver } from '../driver';
import { DriverError } from '../driver.errors';
import { MemoryDriver } from '../memory/memory.driver';
import { composeLayers } from './compose-layers';
import { deadlineLayer } from './deadline.layer';
import { retryLayer } from './retry.layer';

const tenant = tenantId('t1');
const key = blobKey(tenant, blobId('b1'));
const ctx = contextOf(tenant);
const OPTIONS = { maxAttempts: 3, firstDelayMs: 1, maxDelayMs: 2 };
const UNAVAILABLE: Fault = { do: 'fail', kind: 'Unavailable' };

describe('the retry layer', () => {
  let faults: (Fault | undefined)[];
  let calls: number;
  let retried: string[];
  let driver: Driver;

  beforeEach(() => {
    faults = [];
    calls = 0;
    retried = [];
    driver = composeLayers(new MemoryDriver('m'), [
      retryLayer(OPTIONS, { retried: (_, operation) => retried.push(operation) }),
      faultLayer(() => {
        calls += 1;
        return faults.shift();
      }),
    ]);
  });

  it('repeats what failed for a moment', async () => {
    await driver.write(ctx, key, sourceOf(Buffer.from('abc')), { sizeBytes: 3 });
    faults = [UNAVAILABLE, { do: 'fail', kind: 'RateLimited' }];
    expect((await driver.stat(ctx, key)).sizeBytes).toBe(3);
    faults = [UNAVAILABLE];
    expect((await driver.list(ctx)[Symbol.asyncIterator]().next()).done).toBe(false);
    faults = [UNAVAILABLE];
    await driver.delete(ctx, key);
    expect(retried).toEqual(['stat', 'stat', 'list', 'delete']);
  });

  it('gives up with the last error after the tries', async () => {
    faults = [UNAVAILABLE, UNAVAILABLE, { do: 'fail', kind: 'RateLimited' }, undefined];
    expect(await kindOf(driver.stat(ctx, key))).toBe('RateLimited');
    expect(calls).toBe(3);
  });

  it.each(['NotFound', 'Aborted', 'Corrupted', 'Unexpected'] as const)('does not repeat %s', async (kind) => {
    faults = [{ do: 'fail', kind }];
    expect(await kindOf(driver.stat(ctx, key))).toBe(kind);
    expect(calls).toBe(1);
  });

  it('repeats a write whose source was not touched, and no other', async () => {
    faults = [UNAVAILABLE];
    await driver.write(ctx, key, sourceOf(Buffer.from('abc')), { sizeBytes: 3 });
    expect(calls).toBe(2);
    faults = [{ do: 'break', afterBytes: 1, kind: 'Unavailable' }];
    const other = blobKey(tenant, blobId('b2'));
    expect(await kindOf(driver.write(ctx, other, sourceOf(Buffer.from('abc')), { sizeBytes: 3 }))).toBe('Unavailable');
    expect(calls).toBe(3);
  });

  it.each([undefined, { start: 3, end: 90_000 }, { start: 70_000, end: undefined }])(
    'goes on with a body where it broke: range %j',
    async (range) => {
      const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 251));
      await driver.write(ctx, key, sourceOf(bytes), { sizeBytes: bytes.length });
      const breaks: Fault = { do: 'break', afterBytes: 1000, kind: 'Unavailable' };
      faults = [breaks, breaks];
      const body = Buffer.concat(await (await driver.read(ctx, key, range)).body.toArray());
      expect(body.equals(bytes.subarray(range?.start ?? 0, (range?.end ?? 99_999) + 1))).toBe(true);
      expect(retried).toEqual(['read', 'read']);
    },
  );

  it('does not go on for ever with a body that hardly moves', async () => {
    await driver.write(ctx, key, sourceOf(Buffer.alloc(100_000)), { sizeBytes: 100_000 });
    calls = 0;
    faults = Array.from({ length: 100 }, () => ({ do: 'break', afterBytes: 10, kind: 'Unavailable' }) as const);
    expect(await kindOf((await driver.read(ctx, key)).body.toArray())).toBe('Unavailable');
    expect(calls).toBe(OPTIONS.maxAttempts);
  });

  it('ends its waiting at an abort', async () => {
    const controller = new AbortController();
    driver = composeLayers(new MemoryDriver('m'), [
      retryLayer(
        { maxAttempts: 3, firstDelayMs: 1e6, maxDelayMs: 1e6 },
        {
          retried: () => {
            controller.abort();
          },
        },
      ),
      faultLayer(() => UNAVAILABLE),
    ]);
    expect(await kindOf(driver.stat(contextOf(tenant, controller.signal), key))).toBe('Aborted');
  });
});

describe('the delay before a retry', () => {
  const options = { maxAttempts: 5, firstDelayMs: 100, maxDelayMs: 1000 };
  const asking = (retryAfterSeconds: number) => new DriverError('Unavailable', 'm', { retryAfterSeconds });

  it('grows, has an upper bound, and is never less than the backend asked for', () => {
    for (let round = 0; round < 200; round += 1) {
      expect(delayBeforeRetry(new DriverError('Unavailable', 'm'), 1, options)).toBeLessThan(100);
      expect(delayBeforeRetry(new DriverError('Unavailable', 'm'), 4, options)).toBeLessThan(800);
      expect(delayBeforeRetry(asking(1), 1, options)).toBeGreaterThanOrEqual(1000);
    }
  });

  it('is none when the backend asks for more than a request can wait', () => {
    expect(delayBeforeRetry(asking(2), 1, options)).toBeUndefined();
    expect(delayBeforeRetry(new DriverError('Unavailable', 'm', { isRetryable: false }), 1, options)).toBeUndefined();
  });
});

describe('the deadline layer', () => {
  const stalled = (): Driver =>
    composeLayers(new MemoryDriver('m'), [
      deadlineLayer({ callMs: 20, stallMs: 20 }),
      faultLayer(() => ({ do: 'stall' })),
    ]);

  it('ends calls that are not answered, as the fault of the backend', async () => {
    const driver = stalled();
    expect(await kindOf(driver.stat(ctx, key))).toBe('Unavailable');
    expect(await kindOf(driver.read(ctx, key))).toBe('Unavailable');
    expect(await kindOf(driver.delete(ctx, key))).toBe('Unavailable');
    expect(await kindOf(driver.list(ctx)[Symbol.asyncIterator]().next())).toBe('Unavailable');
    expect(await kindOf(driver.write(ctx, key, sourceOf(Buffer.from('x')), { sizeBytes: 1 }))).toBe('Unavailable');
  });

  it('tells the abort of the client as that', async () => {
    const controller = new AbortController();
    const call = stalled().stat(contextOf(tenant, controller.signal), key);
    controller.abort();
    expect(await kindOf(call)).toBe('Aborted');
  });

  it('does not count the time of a slow source', async () => {
    const driver = composeLayers(new MemoryDriver('m'), [deadlineLayer({ callMs: 20, stallMs: 20 })]);
    const slow = async function* (): AsyncGenerator<Uint8Array> {
      await new Promise((resolve) => setTimeout(resolve, 100));
      yield Buffer.from('abc');
    };
    expect((await driver.write(ctx, key, slow(), { sizeBytes: 3 })).sizeBytes).toBe(3);
  });
});
