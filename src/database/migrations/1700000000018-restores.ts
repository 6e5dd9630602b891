import type { MigrationInterface, QueryRunner } from 'typeorm';
import { ARTIFACT_FUNCTIONS, DROP_ARTIFACT_FUNCTIONS } from './engine/artifacts';
import { DROP_MULTIPART_FUNCTIONS, MULTIPART_FUNCTIONS } from './engine/multipart';
import { DROP_RESTORES, RESTORES } from './engine/restores';

/** Artifacts of archive classes, which are read only after they were restored. */
export class Restores1700000000018 implements MigrationInterface {
  readonly name = 'Restores1700000000018';

  async up(runner: QueryRunner): Promise<void> {
    for (const sql of [
      RESTORES,
      DROP_MULTIPART_FUNCTIONS,
      DROP_ARTIFACT_FUNCTIONS,
      ARTIFACT_FUNCTIONS,
      MULTIPART_FUNCTIONS,
    ]) {
      await runner.query(sql);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DROP_RESTORES);
  }
}
