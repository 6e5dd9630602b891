import type { Queryable, Statement } from './database';

const UNKNOWN: Statement = {
  name: 'read-log-unknown',
  text: `UPDATE read_log SET known_since = greatest(known_since, clock_timestamp() + make_interval(secs => $1))`,
};
/** Writes nothing where that has been said lately. */
const LATE: Statement = {
  name: 'read-log-late',
  text: `UPDATE read_log SET late_until = clock_timestamp() + interval '1 hour'
    WHERE late_until < clock_timestamp() + interval '50 minutes'`,
};
/** The roll-up is of today and the two days before. What it has not seen yet is read from the log itself, for six hours. */
const KNOWN: Statement = {
  name: 'read-log-known',
  text: `SELECT l.known_since FROM read_log l JOIN periodic_jobs j ON j.name = 'artifact-access'
    WHERE l.late_until < clock_timestamp() AND j.succeeded_at > clock_timestamp() - interval '5 hours'`,
};

/** Reads that end from now until so many seconds from now are in no event log, be they anybody's; or some of before were lost. */
export async function readsAreUnknown(database: Queryable, forSeconds: number): Promise<void> {
  await database.query(UNKNOWN, [forSeconds]);
}

/** Rows are being written that are older than they should be; there may be more. */
export async function readsAreLate(database: Queryable): Promise<void> {
  await database.query(LATE, []);
}

/** Since when all reads are known; undefined: nothing can be said now, since the log, or its roll-up, is behind. */
export async function readsKnownSince(database: Queryable): Promise<Date | undefined> {
  const [row] = await database.query<{ known_since: Date }>(KNOWN, []);
  return row?.known_since;
}
