import { LRUCache } from 'lru-cache';

const DEFAULT_MAX_AGE_MS = 1_000;
/** The part of its life after which a value that is asked for is loaded again in the background. */
const REFRESH_SHARE = 0.4;
const MAX_VALUES = 10_000;

interface Entry<Value> {
  readonly value: Value;
  readonly atMs: number;
}

/**
 * Values that are at most `maxAgeMs` old. Those that are asked for all the time are kept fresh in the background, so that nobody
 * waits for them; those that are not cost nothing. At most one load of a value runs at a time.
 */
export class FreshValues<Value extends object> {
  private readonly entries = new LRUCache<string, Entry<Value>>({ max: MAX_VALUES });
  private readonly loading = new Map<string, Promise<Value>>();

  constructor(
    private readonly loadValue: (key: string) => Promise<Value>,
    private readonly maxAgeMs = DEFAULT_MAX_AGE_MS,
  ) {}

  /** Undefined: nothing is known that is fresh enough. Never waits. */
  peek(key: string): Value | undefined {
    const entry = this.entries.get(key);
    if (entry === undefined) return undefined;
    const ageMs = performance.now() - entry.atMs;
    if (ageMs > this.maxAgeMs) return undefined;
    // When it can't be had the value grows too old, and who then waits for it learns why.
    if (ageMs > this.maxAgeMs * REFRESH_SHARE && !this.loading.has(key)) this.load(key).catch(() => undefined);
    return entry.value;
  }

  /** As it is now or was a moment ago. Rejects with what the load rejects with. */
  load(key: string): Promise<Value> {
    const underway = this.loading.get(key);
    if (underway !== undefined) return underway;
    const atMs = performance.now();
    const load = this.loadValue(key)
      .then((value) => {
        this.entries.set(key, { value, atMs });
        return value;
      })
      .finally(() => this.loading.delete(key));
    this.loading.set(key, load);
    return load;
  }

  /** Takes a value that came by another way. */
  set(key: string, value: Value): void {
    this.entries.set(key, { value, atMs: performance.now() });
  }
}
