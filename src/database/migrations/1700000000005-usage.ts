import type { MigrationInterface, QueryRunner } from 'typeorm';
import { ARTIFACT_FUNCTIONS, DROP_ARTIFACT_FUNCTIONS } from './engine/artifacts';
import { CONTAINER_FUNCTIONS, DROP_CONTAINER_FUNCTIONS } from './engine/containers';
import { DROP_MULTIPART_FUNCTIONS, MULTIPART_FUNCTIONS } from './engine/multipart';
import {
  COUNT_EXISTING_ROWS,
  COUNT_NOTHING,
  DROP_USAGE_FUNCTIONS,
  DROP_USAGE_TABLES,
  USAGE_FUNCTIONS,
  USAGE_TABLES,
} from './engine/usage';

/** What tenants and containers hold and transfer, counted in the transaction of each change, and quotas of it. */
export class Usage1700000000005 implements MigrationInterface {
  readonly name = 'Usage1700000000005';

  async up(runner: QueryRunner): Promise<void> {
    for (const sql of [
      USAGE_TABLES,
      COUNT_EXISTING_ROWS,
      DROP_MULTIPART_FUNCTIONS,
      DROP_ARTIFACT_FUNCTIONS,
      DROP_CONTAINER_FUNCTIONS,
      USAGE_FUNCTIONS,
      CONTAINER_FUNCTIONS,
      ARTIFACT_FUNCTIONS,
      MULTIPART_FUNCTIONS,
    ]) {
      await runner.query(sql);
    }
  }

  /** The functions that commit stay as they are: they serve gateways that know of no quota as well. */
  async down(runner: QueryRunner): Promise<void> {
    await runner.query(COUNT_NOTHING);
    await runner.query(DROP_USAGE_FUNCTIONS);
    await runner.query(DROP_USAGE_TABLES);
  }
}
