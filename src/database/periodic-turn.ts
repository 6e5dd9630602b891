import type { Queryable, Statement } from './database';

const CLAIM: Statement = {
  name: 'periodic-turn-claim',
  text: 'SELECT vaultaire_claim_job($1, make_interval(secs => $2), make_interval(secs => $3)) AS is_mine',
};
const SUCCEEDED: Statement = {
  name: 'periodic-turn-succeeded',
  text: 'UPDATE periodic_jobs SET succeeded_at = clock_timestamp(), duration_ms = $2, error = NULL WHERE name = $1',
};
const FAILED: Statement = {
  name: 'periodic-turn-failed',
  text: 'UPDATE periodic_jobs SET error = $2, claimed_at = clock_timestamp() WHERE name = $1',
};

/** Of all processes on the database, one does a periodic job at a time. */
export class PeriodicTurn {
  constructor(
    private readonly database: Queryable,
    /** Of the row in `periodic_jobs`, and of the metrics that tell when the job ended well. */
    private readonly name: string,
    /** Seconds from one success to the next turn. */
    private readonly intervalSeconds: number,
    /** Seconds after which a process that took its turn, or failed, is followed by another. */
    private readonly leaseSeconds: number,
  ) {}

  /** True: the job is due, and it is this process that is to do it now. */
  async claim(): Promise<boolean> {
    const values = [this.name, this.intervalSeconds, this.leaseSeconds];
    const [row] = await this.database.query<{ is_mine: boolean }>(CLAIM, values);
    return row?.is_mine === true;
  }

  /** `startedAtMs` of `performance.now()`. */
  async succeeded(startedAtMs: number): Promise<void> {
    await this.database.query(SUCCEEDED, [this.name, performance.now() - startedAtMs]);
  }

  /** Never rejects: the database may be what failed. */
  async failed(error: unknown): Promise<void> {
    const reason = error instanceof Error ? error.message : String(error);
    await this.database.query(FAILED, [this.name, reason]).catch(() => undefined);
  }
}
