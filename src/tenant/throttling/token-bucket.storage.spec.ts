import * as fc from 'fast-check';
import { TokenBucketStorage } from './token-bucket.storage';

describe('TokenBucketStorage', () => {
  let nowMs: number;
  let storage: TokenBucketStorage;

  beforeEach(() => {
    nowMs = 5_000;
    storage = new TokenBucketStorage(() => nowMs, 100);
  });

  /** A bucket of 10 tokens that gains 5 a second. */
  const take = (key = 'tenant'): number => storage.take('read', key, 2_000, 10);

  it('lets a burst through and then refuses, saying how long to wait', () => {
    for (let i = 0; i < 10; i++) expect(take()).toBe(0);
    expect(take()).toBe(200);
  });

  it('refills evenly', () => {
    for (let i = 0; i < 10; i++) take();
    nowMs += 199;
    expect(take()).toBeCloseTo(1);
    nowMs += 1;
    expect(take()).toBe(0);
    expect(take()).toBeGreaterThan(0);
  });

  it('does not save up more than a burst', () => {
    take();
    nowMs += 3_600_000;
    for (let i = 0; i < 10; i++) expect(take()).toBe(0);
    expect(take()).toBeGreaterThan(0);
  });

  it('keeps the buckets of different keys apart', () => {
    for (let i = 0; i < 11; i++) take('noisy');
    expect(take('quiet')).toBe(0);
  });

  it('never lets more through than the burst and the rate allow, whatever the pattern', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1_000 }), { maxLength: 200 }), (pauses) => {
        nowMs = 0;
        const fresh = new TokenBucketStorage(() => nowMs, 100);
        let admitted = 0;
        for (const pause of pauses) {
          nowMs += pause;
          if (fresh.take('read', 'tenant', 2_000, 10) === 0) admitted += 1;
        }
        expect(admitted).toBeLessThanOrEqual(10 + (nowMs * 5) / 1_000 + 1e-6);
      }),
    );
  });

  it('holds a bounded number of buckets', () => {
    for (let i = 0; i < 11; i++) take('first');
    for (let i = 0; i < 100; i++) take(`other-${String(i)}`);
    expect(take('first')).toBe(0);
  });

  it('speaks the contract of the throttler package, in whole seconds', async () => {
    for (let i = 0; i < 9; i++) await storage.increment('tenant', 2_000, 10, 0, 'read');
    await expect(storage.increment('tenant', 2_000, 10, 0, 'read')).resolves.toEqual({
      totalHits: 10,
      timeToExpire: 2,
      isBlocked: false,
      timeToBlockExpire: 0,
    });
    await expect(storage.increment('tenant', 2_000, 10, 0, 'read')).resolves.toMatchObject({
      isBlocked: true,
      timeToBlockExpire: 1,
    });
    await expect(storage.increment('tenant', 2_000, 10, 0, 'write')).resolves.toMatchObject({ isBlocked: false });
  });
});
