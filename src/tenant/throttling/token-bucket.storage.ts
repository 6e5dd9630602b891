import type { ThrottlerStorage } from '@nestjs/throttler';
import { LRUCache } from 'lru-cache';

type ThrottlerStorageRecord = Awaited<ReturnType<ThrottlerStorage['increment']>>;

interface Bucket {
  tokens: number;
  refilledAtMs: number;
}

/** A bucket pushed out by others is full when it is made again: the limit errs in the client's favour. */
const MAX_BUCKETS_PER_THROTTLER = 10_000;

/**
 * Token buckets in memory. A bucket holds `limit` tokens and fills from empty to full in `ttl` milliseconds, evenly; a
 * request takes one. Unlike a counted window it lets a burst through and then a steady rate, with no edge to wait for.
 */
export class TokenBucketStorage implements ThrottlerStorage {
  private readonly throttlers = new Map<string, LRUCache<string, Bucket>>();

  /** `now`: a clock in milliseconds that never goes back. */
  constructor(
    private readonly now: () => number = () => performance.now(),
    private readonly maxBucketsPerThrottler = MAX_BUCKETS_PER_THROTTLER,
  ) {}

  /** Takes a token and answers 0, or takes none and answers the milliseconds until there is one. Synchronous. */
  take(throttlerName: string, key: string, ttlMs: number, limit: number): number {
    return takeFrom(this.refilled(throttlerName, key, ttlMs, limit), ttlMs, limit);
  }

  /** The contract of the throttler package, whose times to wait are in whole seconds. */
  increment(
    key: string,
    ttl: number,
    limit: number,
    _blockDuration: number,
    throttlerName: string,
  ): Promise<ThrottlerStorageRecord> {
    const bucket = this.refilled(throttlerName, key, ttl, limit);
    const waitMs = takeFrom(bucket, ttl, limit);
    return Promise.resolve({
      totalHits: waitMs > 0 ? limit + 1 : limit - Math.floor(bucket.tokens),
      timeToExpire: Math.ceil(((limit - bucket.tokens) * ttl) / limit / 1000),
      isBlocked: waitMs > 0,
      timeToBlockExpire: Math.ceil(waitMs / 1000),
    });
  }

  private refilled(throttlerName: string, key: string, ttlMs: number, limit: number): Bucket {
    const nowMs = this.now();
    let buckets = this.throttlers.get(throttlerName);
    if (buckets === undefined) {
      buckets = new LRUCache({ max: this.maxBucketsPerThrottler });
      this.throttlers.set(throttlerName, buckets);
    }
    const known = buckets.get(key);
    if (known === undefined) {
      const bucket = { tokens: limit, refilledAtMs: nowMs };
      buckets.set(key, bucket);
      return bucket;
    }
    known.tokens = Math.min(limit, known.tokens + ((nowMs - known.refilledAtMs) * limit) / ttlMs);
    known.refilledAtMs = nowMs;
    return known;
  }
}

function takeFrom(bucket: Bucket, ttlMs: number, limit: number): number {
  if (bucket.tokens >= 1) {
    bucket.tokens -= 1;
    return 0;
  }
  return ((1 - bucket.tokens) * ttlMs) / limit;
}
