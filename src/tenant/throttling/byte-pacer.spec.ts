import { setTimeout as sleep } from 'node:timers/promises';
import { Allowances } from './allowances';
import type { ByteRates } from './byte-pacer';
import { BytePacer } from './byte-pacer';
import { LimitLedger } from './limit-ledger';
import { LocalLeaseChannel } from './local-lease-channel';

jest.mock('node:timers/promises', () => ({ setTimeout: jest.fn() }));

/** Its burst: a quarter of a second's worth. */
const PER_SECOND = 100_000;
const BURST = 25_000;

describe('BytePacer', () => {
  let channel: LocalLeaseChannel;
  let allowances: Allowances;
  /** Milliseconds that somebody sleeps, in their order. */
  let sleeps: number[];
  let wake: (() => void)[];
  const { signal } = new AbortController();

  beforeEach(() => {
    channel = new LocalLeaseChannel(new LimitLedger({ now: () => 0 }));
    allowances = new Allowances(channel, () => 0);
    sleeps = [];
    wake = [];
    jest.mocked(sleep).mockImplementation((ms, value, options) => {
      sleeps.push(ms ?? 0);
      return new Promise((resolve, reject) => {
        wake.push(() => {
          resolve(value);
        });
        options?.signal?.addEventListener('abort', () => {
          reject(new Error('the sleep was cut off'));
        });
      });
    });
  });

  afterEach(() => channel.close());

  const ratesOf = (tenant: number | undefined, accessKey?: number): ByteRates => [
    [allowances.subject('access-key', 'k').of('bytes-in'), accessKey],
    [allowances.subject('tenant', 't').of('bytes-in'), tenant],
  ];
  const pacerOf = (tenant: number | undefined, accessKey?: number): BytePacer =>
    new BytePacer(() => ratesOf(tenant, accessKey));

  /** Until those who wait for promises have gone on. */
  const settled = async (): Promise<void> => new Promise(setImmediate);

  it('lets a burst go at once, and then the rate', async () => {
    const pacer = pacerOf(PER_SECOND);
    expect(pacer.reserve(BURST, signal)).toBeUndefined();
    const second = pacer.reserve(50_000, signal);
    const third = pacer.reserve(50_000, signal);
    await settled();
    expect(sleeps).toEqual([500, 1_000]);
    for (const go of wake) go();
    await Promise.all([second, third]);
  });

  it('waits for the slower of tenant and key', async () => {
    const pacer = pacerOf(PER_SECOND * 2, PER_SECOND);
    const reserved = pacer.reserve(BURST + 50_000, signal);
    await settled();
    expect(sleeps).toEqual([500]);
    wake[0]?.();
    await reserved;
  });

  it('holds nobody up without a limit, and follows one that changes', () => {
    const limit: { perSecond?: number } = {};
    const pacer = new BytePacer(() => ratesOf(limit.perSecond));
    expect(pacer.reserve(1_000_000, signal)).toBeUndefined();
    const { sliceBytes } = pacer;
    limit.perSecond = PER_SECOND;
    expect(pacer.sliceBytes).toBe(PER_SECOND / 10);
    expect(pacer.sliceBytes).toBeLessThan(sliceBytes);
    expect(pacer.reserve(BURST, signal)).toBeUndefined();
    expect(pacer.reserve(1, signal)).toBeInstanceOf(Promise);
  });

  it('gives back what a transfer that ends had set aside, and says why', async () => {
    const pacer = pacerOf(PER_SECOND);
    await pacer.reserve(BURST, signal);
    const gone = new AbortController();
    const cutOff = pacer.reserve(100_000, gone.signal);
    await settled();
    const reason = new Error('the client is gone');
    gone.abort(reason);
    await expect(cutOff).rejects.toBe(reason);
    const next = pacer.reserve(50_000, signal);
    await settled();
    expect(sleeps).toEqual([1_000, 500]);
    wake[1]?.();
    await next;
  });

  it('sets nothing aside for a transfer that has ended', async () => {
    const pacer = pacerOf(PER_SECOND);
    await pacer.reserve(BURST, signal);
    const reason = new Error('the client is gone');
    await expect(pacer.reserve(100_000, AbortSignal.abort(reason))).rejects.toBe(reason);
    const next = pacer.reserve(50_000, signal);
    await settled();
    expect(sleeps).toEqual([500]);
    wake[0]?.();
    await next;
  });

  it('says every ten seconds that somebody still waits', async () => {
    const pacer = pacerOf(PER_SECOND);
    const onBeat = jest.fn();
    const reserved = pacer.reserve(BURST + 25 * PER_SECOND, signal, onBeat);
    for (let beats = 0; beats < 3; beats += 1) {
      await settled();
      expect(onBeat).toHaveBeenCalledTimes(beats);
      wake[beats]?.();
    }
    await reserved;
    expect(sleeps).toEqual([10_000, 10_000, 5_000]);
  });
});
