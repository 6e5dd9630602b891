import type { BucketKind, BucketRate, LeaseGrant, LeaseReport } from './leases';

/** So much of a second's worth is at hand where there is plenty. */
const LEASE_SECONDS = 0.05;
const LARGEST_PART_OF_BURST = 8;
/** Sweeps without any use after which the rest is returned. */
const IDLE_SWEEPS = 5;
/** Whoever has waited so long for an answer goes on without one: a limit holds nobody up for good. */
const PATIENCE_MS = 2_000;
/** A refusal is asked about anew after so long: others may have returned what they held, or the store that refused be away. */
const MAX_REFUSAL_MS = 1_000;

/** What an allowance needs of those who keep it. */
export interface AllowanceOwner {
  now(): number;
  /** Names the next question, whose answer goes to `allowance`. */
  nextAsk(allowance: Allowance): number;
  send(report: LeaseReport): void;
  /** It has something to report or return later. */
  isActive(allowance: Allowance): void;
}

interface Waiter {
  readonly count: number;
  readonly sinceMs: number;
  /** Set by the answer. */
  waitMs: number | undefined;
  resolve: ((waitMs: number) => void) | undefined;
}

/**
 * This process's share of one bucket. Most requests take from what was leased ahead; the owner of the bucket is asked when that is
 * used up, and those who need it wait.
 */
export class Allowance implements BucketRate {
  perSecond = 0;
  burst = 0;
  private left = 0;
  private lowWater = 0;
  private spent = 0;
  private refunded = 0;
  private pendingAsk = 0;
  private asked = 0;
  private keepsSpare = false;
  private isClosed = false;
  private idleSweeps = 0;
  private deniedUntilMs = 0;
  private askAgainAtMs = Number.NEGATIVE_INFINITY;
  private waiters: Waiter[] = [];

  constructor(
    readonly key: string,
    readonly kind: BucketKind,
    private readonly owner: AllowanceOwner,
  ) {}

  /** Takes one and answers 0, or none and answers the milliseconds until it is worth to ask again. */
  take(rate: BucketRate): number | Promise<number> {
    if (rate.perSecond !== this.perSecond || rate.burst !== this.burst) this.configure(rate);
    if (this.takeLeased(1)) return 0;
    const nowMs = this.owner.now();
    return nowMs < this.askAgainAtMs ? this.deniedUntilMs - nowMs : this.wait(1);
  }

  /** Takes a slot, to be {@link release}d, and answers 0; or none and answers a time to wait. */
  takeSlot(limit: number): number | Promise<number> {
    if (limit !== this.burst) this.configure({ perSecond: 0, burst: limit });
    return this.takeLeased(1) ? 0 : this.wait(1);
  }

  /** Takes `count`, which may not be there yet: answers the milliseconds until they are. */
  reserve(count: number, rate: BucketRate): number | Promise<number> {
    if (rate.perSecond !== this.perSecond || rate.burst !== this.burst) this.configure(rate);
    return this.takeLeased(count) ? 0 : this.wait(count);
  }

  /** What was taken was not used after all. The owner hears of it in this turn of the event loop: others may need it. */
  refund(count = 1): void {
    this.refunded += count;
    if (this.refunded > count) return;
    setImmediate(() => {
      if (this.refunded > 0) this.report(0);
    });
  }

  release(): void {
    if (this.keepsSpare && !this.isClosed && this.left < this.spareWanted) {
      this.left += 1;
      this.owner.isActive(this);
    } else this.report(1);
  }

  granted({ granted, spare, waitMs }: LeaseGrant): void {
    this.pendingAsk = 0;
    this.keepsSpare = spare > 0;
    this.lowWater = spare / 2;
    const { waiters, asked } = this;
    this.asked = 0;
    this.waiters = waiters.slice(asked);
    if (this.kind === 'debt') this.settleDebt(waiters.slice(0, asked), waitMs);
    else {
      for (const [at, waiter] of waiters.slice(0, asked).entries())
        settle(waiter, at < granted ? 0 : Math.max(1, waitMs));
      if (this.kind === 'tokens' && granted < asked) this.denied(waitMs);
    }
    this.left += spare;
    if (spare > 0) this.owner.isActive(this);
    this.serveLatecomers();
    if (this.isClosed) this.returnLeft();
  }

  /** Somebody else needs it. */
  recalled(): void {
    const { left } = this;
    this.keepsSpare = false;
    this.left = 0;
    this.lowWater = 0;
    this.report(left);
  }

  /** Nobody will take any more. What was taken may still be released or refunded. */
  close(): void {
    this.isClosed = true;
    this.returnLeft();
  }

  /** Reports what is due, and returns what was idle for a while. False: there is nothing left to sweep. */
  sweep(): boolean {
    this.idleSweeps = this.spent > 0 ? 0 : this.idleSweeps + 1;
    if (this.idleSweeps >= IDLE_SWEEPS || this.kind === 'slots') this.returnLeft();
    else if (this.spent > 0) this.report(0);
    return this.left > 0;
  }

  /** Lets those through who waited too long. To be called every second or so while an answer is due. */
  letOverdueThrough(): void {
    const overdueMs = this.owner.now() - PATIENCE_MS;
    this.waiters = this.waiters.filter((waiter, at) => {
      if (waiter.sinceMs > overdueMs) return true;
      settle(waiter, 0);
      // The answer, if it comes yet, counts those that it was asked for.
      return at < this.asked;
    });
  }

  private takeLeased(count: number): boolean {
    if (this.left < count) return false;
    this.left -= count;
    if (this.kind !== 'slots') this.spent += count;
    if (this.left < this.lowWater && this.pendingAsk === 0) this.ask();
    return true;
  }

  private denied(waitMs: number): void {
    const nowMs = this.owner.now();
    this.deniedUntilMs = nowMs + waitMs;
    this.askAgainAtMs = nowMs + Math.min(waitMs, MAX_REFUSAL_MS);
  }

  private configure({ perSecond, burst }: BucketRate): void {
    this.returnLeft();
    this.perSecond = perSecond;
    this.burst = burst;
    this.askAgainAtMs = Number.NEGATIVE_INFINITY;
  }

  private get spareWanted(): number {
    const ofBurst = this.burst / LARGEST_PART_OF_BURST;
    return Math.floor(this.kind === 'slots' ? ofBurst : Math.min(this.perSecond * LEASE_SECONDS, ofBurst));
  }

  private wait(count: number): number | Promise<number> {
    const waiter: Waiter = { count, sinceMs: this.owner.now(), waitMs: undefined, resolve: undefined };
    this.waiters.push(waiter);
    if (this.pendingAsk === 0) this.ask();
    if (waiter.waitMs !== undefined) return waiter.waitMs;
    return new Promise((resolve) => {
      waiter.resolve = resolve;
    });
  }

  private ask(): void {
    this.pendingAsk = this.owner.nextAsk(this);
    this.asked = this.waiters.length;
    const need = this.waiters.reduce((sum, { count }) => sum + count, 0);
    this.send({ ask: this.pendingAsk, returned: 0, need, spare: this.spareWanted });
  }

  /** Each waits for its own part of the debt, in the order they came. */
  private settleDebt(waiters: readonly Waiter[], waitMs: number): void {
    let later = waiters.reduce((sum, { count }) => sum + count, 0);
    for (const waiter of waiters) {
      later -= waiter.count;
      settle(waiter, Math.max(0, waitMs - (later * 1000) / this.perSecond));
    }
  }

  /** Those who came while the question was under way. */
  private serveLatecomers(): void {
    for (let next = this.waiters[0]; next !== undefined && this.left >= next.count; next = this.waiters[0]) {
      this.waiters.shift();
      this.left -= next.count;
      if (this.kind !== 'slots') this.spent += next.count;
      settle(next, 0);
    }
    if (this.waiters.length > 0) this.ask();
  }

  private returnLeft(): void {
    const { left } = this;
    // The owner would not know of a slot that is kept from here on, and could not recall it.
    this.keepsSpare = false;
    this.left = 0;
    this.lowWater = 0;
    if (left > 0 || this.spent > 0 || this.refunded > 0) this.report(left);
  }

  private report(returned: number): void {
    this.send({ ask: 0, returned, need: 0, spare: 0 });
  }

  private send(about: Pick<LeaseReport, 'ask' | 'returned' | 'need' | 'spare'>): void {
    const { key, kind, perSecond, burst, spent, refunded } = this;
    this.spent = 0;
    this.refunded = 0;
    this.owner.send({ key, kind, perSecond, burst, spent, refunded, ...about });
  }
}

function settle(waiter: Waiter, waitMs: number): void {
  waiter.waitMs = waitMs;
  waiter.resolve?.(waitMs);
}
