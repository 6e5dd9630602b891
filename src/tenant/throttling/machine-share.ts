import type { LedgerBucket } from './ledger-bucket';
import type { SharedBuckets } from './shared-buckets';

/** So much of a second's worth is leased at once: few round trips, and little that others have to do without. */
const LEASE_SECONDS = 0.1;
const LARGEST_PART_OF_BURST = 8;
/** Sweeps without any use after which the rest is returned. */
const IDLE_SWEEPS = 2;

/**
 * What this machine has leased of a bucket that all machines share. While the store is away nothing is asked of it, and the
 * machine's own bucket alone decides.
 */
export class MachineShare {
  private leased = 0;
  private epoch: number;
  private deniedUntilMs = Number.NEGATIVE_INFINITY;
  /** As the store last told; kept as a count, since the limit may change before it is paid. */
  private debt = 0;
  private debtAtMs = 0;
  private isFetching = false;
  private idleSweeps = 0;

  constructor(
    private readonly bucket: LedgerBucket,
    private readonly shared: SharedBuckets,
    private readonly now: () => number,
  ) {
    this.epoch = shared.epoch;
  }

  get available(): number {
    if (!this.shared.isUp) return Infinity;
    if (this.epoch !== this.shared.epoch) {
      this.epoch = this.shared.epoch;
      this.leased = 0;
      this.deniedUntilMs = Number.NEGATIVE_INFINITY;
      this.debt = 0;
    }
    return this.leased;
  }

  /** The store was asked and has nothing for now: milliseconds until it is worth to ask again. */
  get deniedForMs(): number {
    return this.shared.isUp ? Math.max(0, this.deniedUntilMs - this.now()) : 0;
  }

  /** Milliseconds until all that was leased in advance is paid for. */
  get debtMs(): number {
    if (this.debt === 0 || !this.shared.isUp) return 0;
    return Math.max(0, (this.debt * 1000) / this.bucket.perSecond - (this.now() - this.debtAtMs));
  }

  get canFetch(): boolean {
    return this.shared.isUp && this.deniedForMs === 0;
  }

  canGive(count: number): boolean {
    return this.available >= count;
  }

  take(count: number): void {
    this.idleSweeps = 0;
    if (!this.shared.isUp) return;
    this.leased = Math.max(0, this.leased - count);
    if (this.leased < this.spare / 2 && this.canFetch && !this.isFetching) void this.fetch(0);
  }

  giveBack(count: number): void {
    if (count > 0 && this.shared.isUp) this.leased = Math.min(this.leased + count, this.bucket.burst);
  }

  /** Leases what is needed and some more. Never rejects. */
  async fetch(need: number): Promise<void> {
    const { key, kind, perSecond, burst } = this.bucket;
    const missing = Math.max(0, need - this.available);
    this.isFetching = true;
    const lease = await this.shared.lease({
      key,
      kind,
      perSecond,
      burst,
      need: missing,
      spare: this.spare,
      returned: 0,
    });
    this.isFetching = false;
    if (lease === undefined) return;
    this.leased = this.available + lease.granted;
    if (kind === 'debt') {
      this.debt = (lease.waitMs * perSecond) / 1000;
      this.debtAtMs = this.now();
    } else if (lease.granted < missing) this.deniedUntilMs = this.now() + lease.waitMs;
  }

  sweep(): void {
    this.idleSweeps += 1;
    if (this.idleSweeps < IDLE_SWEEPS || !this.shared.isUp || this.available === 0 || this.isFetching) return;
    const returned = this.leased;
    this.leased = 0;
    const { key, kind, perSecond, burst } = this.bucket;
    void this.shared.lease({ key, kind, perSecond, burst, need: 0, spare: 0, returned });
  }

  private get spare(): number {
    const { perSecond, burst } = this.bucket;
    return Math.floor(Math.min(perSecond * LEASE_SECONDS, burst / LARGEST_PART_OF_BURST));
  }
}
