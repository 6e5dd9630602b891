import { createHash } from 'node:crypto';
import { Redis } from 'ioredis';
import type { SharedLease, SharedLeaseRequest } from './shared-buckets';
import { SharedBuckets } from './shared-buckets';

const TIMEOUT_MS = 250;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2_000;
/** After a failure the store is tried again this often. */
const PROBE_INTERVAL_MS = 500;
const KEY_PREFIX = 'vaultaire:limit:';
const FIELDS = 6;

/**
 * Token buckets, several at once, by Redis's own clock. For each key: kind, tokens a second, burst, need, spare, returned. Answers for
 * each what was granted and the milliseconds to wait. A key that is gone is a full bucket, and goes when it would be full.
 */
const LEASE_SCRIPT = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local answer = {}
for i, key in ipairs(KEYS) do
  local at = (i - 1) * ${FIELDS}
  local kind, rate, burst = ARGV[at + 1], tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local need, spare, returned = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6])
  local state = redis.call('HMGET', key, 'tokens', 'at')
  local tokens = burst
  if state[1] then
    local elapsed = math.max(0, now - tonumber(state[2]))
    tokens = math.min(burst, tonumber(state[1]) + elapsed * rate / 1000 + returned)
  end
  local granted, wait = 0, 0
  if kind == 'debt' or tokens >= need then
    granted = need + math.max(0, math.min(spare, math.floor((tokens - need) / 4)))
    tokens = tokens - granted
    if tokens < 0 then wait = -tokens / rate * 1000 end
  else
    granted = math.max(0, math.floor(tokens))
    tokens = tokens - granted
    wait = (1 - tokens) / rate * 1000
  end
  redis.call('HSET', key, 'tokens', string.format('%.6f', tokens), 'at', string.format('%.3f', now))
  redis.call('PEXPIRE', key, math.ceil((burst - tokens) / rate * 1000) + 1000)
  answer[2 * i - 1] = granted
  answer[2 * i] = math.ceil(wait)
end
return answer
`;

const SCRIPT_HASH = createHash('sha1').update(LEASE_SCRIPT).digest('hex');

interface Waiting {
  readonly request: SharedLeaseRequest;
  readonly resolve: (lease: SharedLease | undefined) => void;
}

export type LogLine = (level: 'info' | 'warn', message: string) => void;

/**
 * Buckets in Redis. Requests of one turn of the event loop go in one round trip. An answer that does not come within 250 ms counts as
 * none: limits are the machine's own until Redis answers again.
 */
export class RedisBuckets extends SharedBuckets {
  isUp = false;
  epoch = 0;
  private hasLoggedDown = false;
  private isClosing = false;
  private waiting: Waiting[] = [];
  private readonly listeners: (() => void)[] = [];
  private readonly redis: Redis;
  private readonly probe: NodeJS.Timeout;
  private readonly flush = (): void => {
    void this.leaseAll(this.waiting.splice(0));
  };

  constructor(
    url: string,
    private readonly log: LogLine,
  ) {
    super();
    this.redis = new Redis(url, {
      connectTimeout: 2_000,
      commandTimeout: TIMEOUT_MS,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      retryStrategy: (attempt) => Math.min(attempt * FIRST_RETRY_MS, LAST_RETRY_MS),
    });
    this.redis.on('error', (error: Error) => {
      this.wentDown(error.message);
    });
    this.redis.on('close', () => {
      this.wentDown('the connection closed');
    });
    this.redis.on('ready', () => void this.check());
    this.probe = setInterval(() => {
      if (!this.isUp && this.redis.status === 'ready') void this.check();
    }, PROBE_INTERVAL_MS);
    this.probe.unref();
  }

  /** `listener` is told when {@link isUp} changed. */
  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  lease(request: SharedLeaseRequest): Promise<SharedLease | undefined> {
    if (!this.isUp) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.waiting.push({ request, resolve });
      if (this.waiting.length === 1) setImmediate(this.flush);
    });
  }

  close(): Promise<void> {
    this.isClosing = true;
    this.isUp = false;
    clearInterval(this.probe);
    this.redis.disconnect();
    return Promise.resolve();
  }

  private async leaseAll(waiting: readonly Waiting[]): Promise<void> {
    const keys = waiting.map(({ request }) => KEY_PREFIX + request.key);
    const values = waiting.flatMap(({ request }) => {
      const { kind, perSecond, burst, need, spare, returned } = request;
      return [kind, perSecond, burst, need, spare, returned];
    });
    let numbers: readonly unknown[] = [];
    try {
      const answer = await this.run(keys, values);
      if (Array.isArray(answer)) numbers = answer;
      if (numbers.length !== 2 * waiting.length) throw new Error('it gave another answer than a Redis would');
    } catch (error) {
      this.wentDown(error instanceof Error ? error.message : String(error));
    }
    for (const [at, { resolve }] of waiting.entries()) {
      const [granted, waitMs] = [numbers[2 * at], numbers[2 * at + 1]];
      resolve(typeof granted === 'number' && typeof waitMs === 'number' ? { granted, waitMs } : undefined);
    }
  }

  private async check(): Promise<void> {
    try {
      await this.redis.ping();
    } catch (error) {
      this.wentDown(error instanceof Error ? error.message : String(error));
      return;
    }
    if (this.isUp || this.isClosing) return;
    this.epoch += 1;
    this.change(true);
    this.log('info', 'Redis answers: limits are shared by all machines');
    this.hasLoggedDown = false;
  }

  private wentDown(reason: string): void {
    if (this.isClosing) return;
    if (!this.hasLoggedDown) {
      this.log('warn', `Redis is away or slow, each machine holds its limits alone for now: ${reason}`);
      this.hasLoggedDown = true;
    }
    if (this.isUp) this.change(false);
  }

  private change(isUp: boolean): void {
    this.isUp = isUp;
    for (const listener of this.listeners) listener();
  }

  private async run(keys: readonly string[], values: readonly (string | number)[]): Promise<unknown> {
    try {
      return await this.redis.evalsha(SCRIPT_HASH, keys.length, ...keys, ...values);
    } catch (error) {
      // A Redis that was started anew does not know it yet.
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return this.redis.eval(LEASE_SCRIPT, keys.length, ...keys, ...values);
    }
  }
}
