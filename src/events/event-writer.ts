import type { Database } from '../database/database';
import type { EventBatch } from './event-batch';
import { halves } from './event-batch';
import { EVENT_COLUMNS } from './event-line';

const UNIQUE_VIOLATION = '23505';
/** SQLSTATE classes of what is wrong with a row itself: data exception, integrity constraint violation. */
const BAD_ROW = /^2[23]/;
const REPLAY_TABLE = 'vaultaire_replayed_events';

/** What became of a batch. */
export interface WrittenEvents {
  /** In the table now; counts those that were there before. */
  readonly rows: number;
  /** That PostgreSQL refuses, and would refuse again. */
  readonly refused: number;
  /** Why, for one of those. */
  readonly reason: unknown;
}

/**
 * Adds rows to the event log, each once: rows that are there already stay as they are, so that a batch whose answer got lost
 * can be sent again, whole or in part. Rows that PostgreSQL refuses are found by halving and left out, so that one can't hold
 * up the others. Each attempt is one transaction.
 *
 * By COPY, since events are as many as requests: a batch costs PostgreSQL less than half of what an INSERT from arrays does,
 * and node-postgres a tenth.
 *
 * @param columns of the lines, where they are of an older version
 * @throws anything that is no fault of the rows: PostgreSQL is away, or slow, or out of space. Try again later.
 */
export async function writeEvents(
  database: Pick<Database, 'copyIn'>,
  batch: EventBatch,
  columns = EVENT_COLUMNS,
): Promise<WrittenEvents> {
  try {
    await add(database, batch, columns);
    return { rows: batch.rows, refused: 0, reason: undefined };
  } catch (error) {
    if (!BAD_ROW.test(sqlStateOf(error))) throw error;
    if (batch.rows === 1) return { rows: 0, refused: 1, reason: error };
    const [first, second] = halves(batch);
    const before = await writeEvents(database, first, columns);
    const after = await writeEvents(database, second, columns);
    return {
      rows: before.rows + after.rows,
      refused: before.refused + after.refused,
      reason: before.reason ?? after.reason,
    };
  }
}

async function add(database: Pick<Database, 'copyIn'>, { bytes }: EventBatch, columns: string): Promise<void> {
  try {
    await database.copyIn(`COPY events (${columns}) FROM STDIN`, bytes);
  } catch (error) {
    if (sqlStateOf(error) !== UNIQUE_VIOLATION) throw error;
    // Some are there already. COPY knows no ON CONFLICT, so the others come by way of a table of this transaction's own.
    await database.copyIn(`COPY ${REPLAY_TABLE} (${columns}) FROM STDIN`, bytes, {
      before: `CREATE TEMPORARY TABLE ${REPLAY_TABLE} (LIKE events INCLUDING DEFAULTS) ON COMMIT DROP`,
      after: `INSERT INTO events (${columns}) SELECT ${columns} FROM ${REPLAY_TABLE} ON CONFLICT DO NOTHING`,
    });
  }
}

function sqlStateOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
