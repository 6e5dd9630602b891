import { LRUCache } from 'lru-cache';
import { Allowance } from './allowance';
import type { AllowanceOwner } from './allowance';
import type { BucketKind, LeaseChannel, LeaseGrant, LeaseReport } from './leases';
import { ADDRESS_KEY_PREFIX } from './limit-ledger';

const SWEEP_INTERVAL_MS = 1_000;
const MAX_SUBJECTS = 10_000;

/** Who is limited. */
export type SubjectKind = 'tenant' | 'access-key' | 'actor' | 'address';

/** What is limited, each in a bucket of its own. */
export type LimitName = 'read' | 'write' | 'list' | 'admin' | 'in-flight' | 'bytes-in' | 'bytes-out' | 'address';

const KIND_OF: Readonly<Record<LimitName, BucketKind>> = {
  read: 'tokens',
  write: 'tokens',
  list: 'tokens',
  admin: 'tokens',
  address: 'tokens',
  'in-flight': 'slots',
  'bytes-in': 'debt',
  'bytes-out': 'debt',
};

/** The allowances of one tenant, key or address. */
export class Subject {
  private readonly allowances: Partial<Record<LimitName, Allowance>> = {};

  constructor(
    private readonly keyPrefix: string,
    private readonly owner: AllowanceOwner,
  ) {}

  of(name: LimitName): Allowance {
    return (this.allowances[name] ??= new Allowance(this.keyPrefix + name, KIND_OF[name], this.owner));
  }

  close(): void {
    for (const allowance of Object.values(this.allowances)) allowance.close();
  }
}

/** All that this process has leased. Bounded: who was not seen for the longest time makes room. */
export class Allowances implements AllowanceOwner {
  private readonly subjects: Readonly<Record<SubjectKind, LRUCache<string, Subject>>>;
  private readonly asking = new Map<number, Allowance>();
  private readonly active = new Map<string, Allowance>();
  private lastAsk = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly channel: LeaseChannel,
    /** A clock in milliseconds that never goes back. */
    readonly now: () => number = () => performance.now(),
    maxSubjects = MAX_SUBJECTS,
  ) {
    const cache = (): LRUCache<string, Subject> =>
      new LRUCache({
        max: maxSubjects,
        dispose: (subject) => {
          subject.close();
        },
      });
    this.subjects = { tenant: cache(), 'access-key': cache(), actor: cache(), address: cache() };
    channel.connect({
      granted: (grant) => {
        this.granted(grant);
      },
      // What is not active has nothing left, and has said so.
      recalled: (key) => {
        this.active.get(key)?.recalled();
      },
    });
  }

  /** Begins to report and return what is idle. */
  start(): void {
    this.timer = setInterval(() => {
      this.sweep();
    }, SWEEP_INTERVAL_MS);
    this.timer.unref();
  }

  /** Returns everything. */
  stop(): void {
    clearInterval(this.timer);
    for (const cache of Object.values(this.subjects)) cache.clear();
  }

  subject(kind: SubjectKind, id: string): Subject {
    const cache = this.subjects[kind];
    const known = cache.get(id);
    if (known !== undefined) return known;
    const prefix = kind === 'address' ? `${ADDRESS_KEY_PREFIX}${id}:` : `${kind}:${id}:`;
    const subject = new Subject(prefix, this);
    cache.set(id, subject);
    return subject;
  }

  sweep(): void {
    for (const [key, allowance] of this.active) if (!allowance.sweep()) this.active.delete(key);
    for (const allowance of this.asking.values()) allowance.letOverdueThrough();
  }

  nextAsk(allowance: Allowance): number {
    this.lastAsk += 1;
    this.asking.set(this.lastAsk, allowance);
    return this.lastAsk;
  }

  send(report: LeaseReport): void {
    this.channel.send(report);
  }

  isActive(allowance: Allowance): void {
    this.active.set(allowance.key, allowance);
  }

  private granted(grant: LeaseGrant): void {
    const allowance = this.asking.get(grant.ask);
    this.asking.delete(grant.ask);
    allowance?.granted(grant);
  }
}
