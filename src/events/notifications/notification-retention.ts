import type { PeriodicJob } from '../maintenance/event-jobs';
import { EXPIRE_PENDING, FORGET_DEAD, FORGET_DELIVERED } from './outbox.statements';

const BATCH_EVENTS = 5_000;

/** What was sent is kept for a replay, what was not for as long, as dead letters longer; see docs/notifications.md. */
export const retainNotifications: PeriodicJob = {
  name: 'notification-retention',
  intervalSeconds: 3_600,
  async run(database, config, signal) {
    const { retentionDays } = config.notifications;
    for (const statement of [EXPIRE_PENDING, FORGET_DELIVERED, FORGET_DEAD]) {
      let events = BATCH_EVENTS;
      while (events === BATCH_EVENTS && !signal.aborted) {
        events = (await database.query(statement, [retentionDays, BATCH_EVENTS])).length;
      }
    }
  },
};
