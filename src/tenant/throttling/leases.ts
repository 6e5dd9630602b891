/**
 * What a bucket holds. `tokens`: requests, refused when there are none. `slots`: requests in flight, which come back and do not
 * refill. `debt`: bytes, always granted, with the time until they are paid for.
 */
export type BucketKind = 'tokens' | 'slots' | 'debt';

/** `burst` at once, `perSecond` new ones; slots have `perSecond` 0. */
export interface BucketRate {
  readonly perSecond: number;
  readonly burst: number;
}

/** A process to the owner of the buckets: what became of its lease, and what it asks for. */
export interface LeaseReport extends BucketRate {
  /** Names the answer; 0: none is asked for. */
  readonly ask: number;
  readonly key: string;
  readonly kind: BucketKind;
  /** Of the lease, used up since the last report. */
  readonly spent: number;
  /** Of the lease, or slots that came free. */
  readonly returned: number;
  /** Granted apart from a lease, and not used after all. */
  readonly refunded: number;
  /** For requests that wait. */
  readonly need: number;
  /** To have at hand for those to come, where there is plenty. */
  readonly spare: number;
}

export interface LeaseGrant {
  readonly ask: number;
  /** Of what was needed; used at once. */
  readonly granted: number;
  /** A lease: to be spent or returned. */
  readonly spare: number;
  /** Refused: milliseconds until it is worth to ask again. Debt: until the last byte is paid for. */
  readonly waitMs: number;
}

export interface LeaseHandlers {
  granted(grant: LeaseGrant): void;
  /** Somebody else needs what is leased and unspent. */
  recalled(key: string): void;
}

/** The way of a process to the owner of the buckets. */
export abstract class LeaseChannel {
  /** Before anything is sent. */
  abstract connect(handlers: LeaseHandlers): void;
  /** A report that asks is answered by {@link LeaseHandlers.granted}, once, during the call or later. */
  abstract send(report: LeaseReport): void;
  /** 1: the store that all machines share is in use; 0: it is away; undefined: none is configured. */
  abstract storeUp(): 0 | 1 | undefined;
  abstract close(): Promise<void>;
}
