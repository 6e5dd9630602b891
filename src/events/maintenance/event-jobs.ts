import type { VaultaireConfig } from '../../config/vaultaire-config';
import type { Database } from '../../database/database';
import { retainNotifications } from '../notifications/notification-retention';

const DAYS_AHEAD = 3;
const EXPIRY_BATCH_ROWS = 5_000;
/** Rows have come to the log by then, also those that waited on disk, which tell more than the journal does. */
const RECOVERY_PATIENCE_SECONDS = 600;
const RECOVERY_BATCH_ROWS = 50_000;
/** Rows that come later than this, from a spool, are in the log and not in the roll-up. */
const ROLL_UP_DAYS = 3;
const DAY_MS = 86_400_000;

/** Takes changes off the journal that are older than $1 seconds, $2 at the most. */
export const RECOVER_EVENTS = {
  name: 'events-recover',
  text: 'SELECT taken, recovered FROM vaultaire_recover_events(make_interval(secs => $1), $2)',
};

/** A day of the log may take longer to read than a statement of the gateway may take. For the rest of the transaction. */
const LIFT_TIMEOUT = { name: 'events-lift-timeout', text: `SELECT set_config('statement_timeout', '0', true)` };

/** Work that one gateway does once in each interval. */
export interface PeriodicJob {
  readonly name: string;
  readonly intervalSeconds: number;
  /** Ends early when `signal` aborts. */
  run(database: Pick<Database, 'query' | 'transaction'>, config: VaultaireConfig, signal: AbortSignal): Promise<void>;
}

const createPartitions: PeriodicJob = {
  name: 'event-partitions',
  intervalSeconds: 3_600,
  async run(database) {
    const statement = { name: 'events-create-partitions', text: 'SELECT vaultaire_create_event_partitions($1)' };
    await database.query(statement, [DAYS_AHEAD]);
  },
};

const expire: PeriodicJob = {
  name: 'event-retention',
  intervalSeconds: 86_400,
  async run(database, config, signal) {
    const { retentionDays } = config.events;
    const drop = { name: 'events-drop-partitions', text: 'SELECT vaultaire_drop_event_partitions($1)' };
    await database.query(drop, [retentionDays]);
    const batch = { name: 'events-expire', text: 'SELECT vaultaire_expire_events($1, $2) AS deleted' };
    while (!signal.aborted) {
      const [row] = await database.query<{ deleted: number }>(batch, [retentionDays, EXPIRY_BATCH_ROWS]);
      if (row === undefined || row.deleted < EXPIRY_BATCH_ROWS) return;
    }
  },
};

const rollUp: PeriodicJob = {
  name: 'artifact-access',
  intervalSeconds: 3_600,
  async run(database, _config, signal) {
    const statement = { name: 'events-roll-up-access', text: 'SELECT vaultaire_roll_up_access($1)' };
    for (let back = ROLL_UP_DAYS - 1; back >= 0 && !signal.aborted; back -= 1) {
      const day = new Date(Date.now() - back * DAY_MS).toISOString().slice(0, 10);
      await database.transaction(async (tx) => {
        await tx.query(LIFT_TIMEOUT, []);
        await tx.query(statement, [day]);
      });
    }
  },
};

/** Rows of changes that a gateway which was killed did not write any more, from the journal of those changes. */
const recover: PeriodicJob = {
  name: 'event-recovery',
  intervalSeconds: 60,
  async run(database, _config, signal) {
    while (!signal.aborted) {
      const values = [RECOVERY_PATIENCE_SECONDS, RECOVERY_BATCH_ROWS];
      const [row] = await database.query<{ taken: string }>(RECOVER_EVENTS, values);
      if (row === undefined || Number(row.taken) < RECOVERY_BATCH_ROWS) return;
    }
  },
};

/** In the order in which they run when all are due. */
export const EVENT_JOBS: readonly PeriodicJob[] = [createPartitions, expire, rollUp, retainNotifications, recover];
