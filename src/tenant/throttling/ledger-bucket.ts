import type { BucketKind, BucketRate, LeaseReport } from './leases';

interface Holding {
  held: number;
  /** The holder was given more than it needed at the time. */
  hasSpare: boolean;
}

/**
 * One bucket and what of it is leased to whom. What is in the bucket and what is leased never exceed the burst together, so
 * that no window of time sees more than the burst and what refills in it, whoever holds what when it begins.
 */
export class LedgerBucket implements BucketRate {
  perSecond: number;
  burst: number;
  /** Negative where bytes were granted in advance, or slots were taken away by a lower limit. */
  tokens: number;
  private refilledAtMs: number;
  private readonly holdings = new Map<number, Holding>();
  private totalHeld = 0;

  constructor(
    readonly key: string,
    readonly kind: BucketKind,
    rate: BucketRate,
    nowMs: number,
  ) {
    this.perSecond = rate.perSecond;
    this.burst = rate.burst;
    this.tokens = rate.burst;
    this.refilledAtMs = nowMs;
  }

  /** Nobody would notice if the bucket were made anew. */
  get isUntouched(): boolean {
    return this.totalHeld === 0 && this.tokens >= this.burst;
  }

  /** Brings it up to now, and to the limit as the one who asks knows it. */
  update({ perSecond, burst }: BucketRate, nowMs: number): void {
    this.refill(nowMs);
    if (perSecond === this.perSecond && burst === this.burst) return;
    if (this.kind === 'slots') this.tokens += burst - this.burst;
    this.perSecond = perSecond;
    this.burst = burst;
    if (this.kind !== 'slots') this.tokens = Math.min(this.tokens, Math.max(0, burst - this.totalHeld));
  }

  refill(nowMs: number): void {
    const elapsedMs = Math.max(0, nowMs - this.refilledAtMs);
    this.refilledAtMs = nowMs;
    if (this.kind !== 'slots') this.add((elapsedMs * this.perSecond) / 1000);
  }

  /** Books what a holder reports of its lease. Answers what came back. */
  book(holder: number, { spent, returned, refunded }: Pick<LeaseReport, 'spent' | 'returned' | 'refunded'>): number {
    const holding = this.holdings.get(holder);
    let back = 0;
    if (holding !== undefined) {
      this.release(holder, holding, Math.min(holding.held, spent));
      back = Math.min(holding.held, returned);
      this.release(holder, holding, back);
      if (this.kind === 'slots') this.tokens += back;
    }
    if (this.kind !== 'slots') this.add(back + refunded);
    return back + refunded;
  }

  /** Takes what is used at once, and leases `spare`. Slots are leased until they come back. */
  grant(holder: number, used: number, spare: number): void {
    this.tokens -= used + spare;
    const held = this.kind === 'slots' ? used + spare : spare;
    const holding = this.holdings.get(holder);
    if (holding !== undefined) {
      holding.held += held;
      holding.hasSpare ||= spare > 0;
    } else if (held > 0) this.holdings.set(holder, { held, hasSpare: spare > 0 });
    this.totalHeld += held;
  }

  /** Holders that may have something unspent, each told once. */
  recall(asker: number): number[] {
    const holders: number[] = [];
    for (const [holder, holding] of this.holdings) {
      if (holder === asker || !holding.hasSpare) continue;
      holding.hasSpare = false;
      holders.push(holder);
    }
    return holders;
  }

  /** The holder is gone. Its slots are free; what it leased otherwise counts as spent. */
  forget(holder: number): void {
    const holding = this.holdings.get(holder);
    if (holding === undefined) return;
    if (this.kind === 'slots') this.tokens += holding.held;
    this.release(holder, holding, holding.held);
  }

  /** Milliseconds until there are `count`. */
  waitMs(count: number): number {
    if (this.perSecond === 0) return 1000;
    return Math.max(0, ((count - this.tokens) * 1000) / this.perSecond);
  }

  private add(count: number): void {
    this.tokens = Math.min(Math.max(this.tokens, this.burst - this.totalHeld), this.tokens + count);
  }

  private release(holder: number, holding: Holding, count: number): void {
    holding.held -= count;
    this.totalHeld -= count;
    if (holding.held === 0) this.holdings.delete(holder);
  }
}
