import type { RequestRecord } from '../../context/request-record';
import type { Allowance } from './allowance';
import type { SubjectKind } from './allowances';
import type { BucketRate } from './leases';

export interface Refused {
  readonly limit: string;
  readonly scope: SubjectKind;
  readonly waitMs: number;
}

interface Claim {
  readonly limit: string;
  readonly scope: SubjectKind;
  take(): number | Promise<number>;
  /** It is held until the request is over. */
  keep(): void;
  undo(): void;
}

/** What one request takes from several buckets: all of it, or nothing. */
export class Admission {
  private readonly claims: Claim[] = [];

  /** Slots are freed when `record` settles, or at once if it has. */
  constructor(private readonly record: Pick<RequestRecord, 'onSettled'>) {}

  addToken(allowance: Allowance, rate: BucketRate, limit: string, scope: SubjectKind): void {
    this.claims.push({
      limit,
      scope,
      take: () => allowance.take(rate),
      keep: () => undefined,
      undo: () => {
        allowance.refund();
      },
    });
  }

  addSlot(allowance: Allowance, limit: number, scope: SubjectKind): void {
    const release = (): void => {
      allowance.release();
    };
    this.claims.push({
      limit: 'in-flight',
      scope,
      take: () => allowance.takeSlot(limit),
      keep: () => {
        this.record.onSettled(release);
      },
      undo: release,
    });
  }

  /** Undefined: everything was taken. */
  run(): Refused | undefined | Promise<Refused | undefined> {
    return this.from(0);
  }

  private from(index: number): Refused | undefined | Promise<Refused | undefined> {
    for (const [at, claim] of this.claims.entries()) {
      if (at < index) continue;
      const wait = claim.take();
      if (wait instanceof Promise) return this.after(at, claim, wait);
      if (wait > 0) return this.refuse(at, claim, wait);
    }
    for (const claim of this.claims) claim.keep();
    return undefined;
  }

  private async after(at: number, claim: Claim, wait: Promise<number>): Promise<Refused | undefined> {
    const waitMs = await wait;
    return waitMs > 0 ? this.refuse(at, claim, waitMs) : this.from(at + 1);
  }

  private refuse(at: number, { limit, scope }: Claim, waitMs: number): Refused {
    for (const taken of this.claims.slice(0, at)) taken.undo();
    return { limit, scope, waitMs };
  }
}
