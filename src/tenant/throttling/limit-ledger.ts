import { LRUCache } from 'lru-cache';
import type { LeaseGrant, LeaseReport } from './leases';
import { LedgerBucket } from './ledger-bucket';
import { MachineShare } from './machine-share';
import type { SharedBuckets } from './shared-buckets';

/** A bucket pushed out by others is full when it is made again: the limit errs in the client's favour. */
const MAX_BUCKETS = 50_000;
/** Of those that anybody can have made, apart so that they can't push out the others. */
const MAX_ADDRESS_BUCKETS = 10_000;
/** Begins the keys of buckets of client addresses. */
export const ADDRESS_KEY_PREFIX = 'address:';
/** Who holds an unspent lease answers well within this, or its process is stuck. */
const RECALL_TIMEOUT_MS = 50;
/** What was granted leaves so much of the bucket to others. */
const SPARE_DIVISOR = 4;

export type GrantHandler = (grant: LeaseGrant) => void;

export interface LedgerOptions {
  /** Asks `holder` to report at once what it has not spent. */
  readonly recall?: (holder: number, key: string) => void;
  /** A clock in milliseconds that never goes back. */
  readonly now?: () => number;
  readonly shared?: SharedBuckets;
  readonly maxBuckets?: number;
}

interface Waiter {
  readonly holder: number;
  readonly report: LeaseReport;
  readonly answer: GrantHandler;
}

/** A bucket, its share of what all machines have, and who waits for either. */
interface Account {
  readonly bucket: LedgerBucket;
  readonly share: MachineShare | undefined;
  waiters: Waiter[];
  readonly recalled: Set<number>;
  isFetching: boolean;
  isServing: boolean;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Owns the buckets of a machine; the processes that serve lease from it. A lease that its holder does not spend is recalled
 * before anybody is refused. With buckets that all machines share, whatever is granted is taken there too.
 */
export class LimitLedger {
  private readonly accounts: LRUCache<string, Account>;
  private readonly addresses: LRUCache<string, Account>;
  /** Bounded by the requests in flight: one without any is dropped. */
  private readonly slots = new Map<string, Account>();
  private readonly now: () => number;

  constructor(private readonly options: LedgerOptions = {}) {
    const { maxBuckets = MAX_BUCKETS } = options;
    this.now = options.now ?? (() => performance.now());
    this.accounts = new LRUCache({ max: maxBuckets, dispose: forgetTimer });
    this.addresses = new LRUCache({ max: Math.min(maxBuckets, MAX_ADDRESS_BUCKETS), dispose: forgetTimer });
  }

  /** Buckets in memory. */
  get size(): number {
    return this.accounts.size + this.addresses.size + this.slots.size;
  }

  /** Books a report, and answers what it asks for: now, or when leases came back. */
  report(holder: number, report: LeaseReport, answer: GrantHandler): void {
    const account = this.find(report);
    const { bucket, recalled } = account;
    bucket.update(report, this.now());
    const returned = bucket.book(holder, report);
    account.share?.giveBack(returned);
    if (report.ask !== 0) account.waiters.push({ holder, report, answer });
    if (!isRefundOnly(report)) recalled.delete(holder);
    this.goOn(account);
    if (bucket.kind === 'slots' && bucket.isUntouched && account.waiters.length === 0) this.slots.delete(bucket.key);
  }

  /** The process is gone: what it used is free again. */
  forget(holder: number): void {
    for (const account of [...this.accounts.values(), ...this.addresses.values(), ...this.slots.values()]) {
      account.bucket.forget(holder);
      account.recalled.delete(holder);
      account.waiters = account.waiters.filter((waiter) => waiter.holder !== holder);
      this.goOn(account);
      if (account.bucket.kind === 'slots' && account.bucket.isUntouched) this.slots.delete(account.bucket.key);
    }
  }

  /** Returns what this machine has leased from all and not used for a while. To be called every second or so. */
  sweep(): void {
    for (const { share } of this.accounts.values()) share?.sweep();
    for (const { share } of this.addresses.values()) share?.sweep();
  }

  private find(report: LeaseReport): Account {
    const { key, kind } = report;
    const accounts =
      kind === 'slots' ? this.slots : key.startsWith(ADDRESS_KEY_PREFIX) ? this.addresses : this.accounts;
    const known = accounts.get(key);
    if (known !== undefined) return known;
    const bucket = new LedgerBucket(key, kind, report, this.now());
    const { shared } = this.options;
    const account: Account = {
      bucket,
      // Whoever dies takes slots along, which only its own machine would know.
      share: shared === undefined || kind === 'slots' ? undefined : new MachineShare(bucket, shared, this.now),
      waiters: [],
      recalled: new Set(),
      isFetching: false,
      isServing: false,
      timer: undefined,
    };
    accounts.set(key, account);
    return account;
  }

  /** Answers if that is possible now. False: something is under way that may change it. */
  private tryGrant(account: Account, waiter: Waiter): boolean {
    const { bucket, share } = account;
    const { need, spare } = waiter.report;
    const isDebt = bucket.kind === 'debt';
    const there = isDebt ? need : Math.max(0, Math.min(need, Math.floor(bucket.tokens)));
    if (there < need && this.recall(account, waiter.holder)) return false;
    const isEnough = share === undefined || share.canGive(there);
    if (!isEnough && this.fetch(account)) return false;
    if (isDebt || (there === need && isEnough)) this.answer(account, waiter, need, spareOf(account, need, spare), 0);
    else this.grantWhatIsThere(account, waiter);
    return true;
  }

  private grantWhatIsThere(account: Account, waiter: Waiter): void {
    const { bucket, share } = account;
    const { need } = waiter.report;
    const available = Math.min(need, Math.max(0, Math.floor(Math.min(bucket.tokens, share?.available ?? Infinity))));
    const waitMs = Math.max(bucket.waitMs(available + 1), share?.deniedForMs ?? 0);
    this.answer(account, waiter, available, 0, available < need ? waitMs : 0);
  }

  private answer(
    account: Account,
    { holder, report, answer }: Waiter,
    used: number,
    spare: number,
    waitMs: number,
  ): void {
    const { bucket, share } = account;
    bucket.grant(holder, used, spare);
    share?.take(used + spare);
    const debtMs = bucket.kind === 'debt' ? Math.max(bucket.waitMs(0), share?.debtMs ?? 0) : 0;
    answer({ ask: report.ask, granted: used, spare, waitMs: Math.max(waitMs, debtMs) });
  }

  private recall(account: Account, asker: number): boolean {
    const { bucket, recalled } = account;
    const { recall } = this.options;
    if (recall === undefined) return false;
    const holders = bucket.recall(asker);
    for (const holder of holders) recalled.add(holder);
    if (recalled.size === 0) return false;
    account.timer ??= setTimeout(() => {
      account.timer = undefined;
      recalled.clear();
      this.goOn(account);
    }, RECALL_TIMEOUT_MS);
    for (const holder of holders) recall(holder, bucket.key);
    // They may have answered meanwhile, in one process.
    return recalled.size > 0;
  }

  /** Leases from all machines' bucket for everybody who waits, in one round trip. */
  private fetch(account: Account): boolean {
    const { share, waiters } = account;
    if (share?.canFetch !== true) return false;
    account.isFetching = true;
    const need = waiters.reduce((sum, { report }) => sum + report.need, 0);
    void share.fetch(need).then(() => {
      account.isFetching = false;
      this.goOn(account);
    });
    return true;
  }

  /**
   * Serves those who wait, in their order, as far as nothing is under way that they wait for. In one process an answer is a call,
   * during which the next may ask: it queues up, and is served by the loop that is running.
   */
  private goOn(account: Account): void {
    if (account.recalled.size > 0 || account.isFetching || account.isServing) return;
    clearTimeout(account.timer);
    account.timer = undefined;
    if (account.waiters.length === 0) return;
    account.bucket.refill(this.now());
    account.isServing = true;
    for (let next = account.waiters[0]; next !== undefined && this.tryGrant(account, next); next = account.waiters[0]) {
      account.waiters.shift();
    }
    account.isServing = false;
  }
}

/** A lease on top, of what is there in plenty. */
function spareOf({ bucket, share }: Account, need: number, wanted: number): number {
  const left = Math.min(bucket.tokens, share?.available ?? Infinity) - need;
  return Math.max(0, Math.min(wanted, Math.floor(left / SPARE_DIVISOR)));
}

/** It says nothing of the lease that may have been recalled. */
function isRefundOnly({ ask, spent, returned, refunded }: LeaseReport): boolean {
  return ask === 0 && spent === 0 && returned === 0 && refunded > 0;
}

function forgetTimer(account: Account): void {
  // Those who wait are answered by what they wait for.
  if (account.waiters.length === 0) clearTimeout(account.timer);
}
