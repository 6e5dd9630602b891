import type { MigrationInterface, QueryRunner } from 'typeorm';
import { ARTIFACT_FUNCTIONS, DROP_ARTIFACT_FUNCTIONS } from './engine/artifacts';
import { DROP_MULTIPART_FUNCTIONS, MULTIPART_FUNCTIONS } from './engine/multipart';
import {
  DROP_NOTIFICATIONS,
  EMIT_NOTHING,
  NOTIFICATION_FUNCTIONS,
  NOTIFICATION_TABLES,
  TAG_FUNCTION,
} from './engine/notifications';

/** Changes that are told to others: targets, rules of containers, and an outbox written in the transaction of each change. */
export class Notifications1700000000015 implements MigrationInterface {
  readonly name = 'Notifications1700000000015';

  async up(runner: QueryRunner): Promise<void> {
    for (const sql of [
      NOTIFICATION_TABLES,
      NOTIFICATION_FUNCTIONS,
      TAG_FUNCTION,
      DROP_MULTIPART_FUNCTIONS,
      DROP_ARTIFACT_FUNCTIONS,
      ARTIFACT_FUNCTIONS,
      MULTIPART_FUNCTIONS,
    ]) {
      await runner.query(sql);
    }
  }

  /** The functions that commit stay as they are: they serve gateways that know of no notifications as well. */
  async down(runner: QueryRunner): Promise<void> {
    await runner.query(EMIT_NOTHING);
    await runner.query(DROP_NOTIFICATIONS);
  }
}
