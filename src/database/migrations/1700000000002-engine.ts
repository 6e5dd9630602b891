import type { MigrationInterface, QueryRunner } from 'typeorm';
import { ARTIFACT_FUNCTIONS, DROP_ARTIFACT_FUNCTIONS } from './engine/artifacts';
import { CONTAINER_FUNCTIONS, DROP_CONTAINER_FUNCTIONS } from './engine/containers';
import { DROP_LISTING_FUNCTIONS, LISTING_FUNCTIONS } from './engine/listing';
import { DROP_LOCKS, LOCKS } from './engine/locks';
import { DROP_MULTIPART_FUNCTIONS, MULTIPART_FUNCTIONS } from './engine/multipart';
import { DROP_SWEEPING_FUNCTIONS, SWEEPING_FUNCTIONS } from './engine/sweeping';
import { DROP_TABLES, TABLES } from './engine/tables';

/** Containers, artifact versions, blobs, multipart uploads, and the functions that commit a change in one round trip. */
export class Engine1700000000002 implements MigrationInterface {
  readonly name = 'Engine1700000000002';

  async up(runner: QueryRunner): Promise<void> {
    for (const sql of [
      TABLES,
      LOCKS,
      CONTAINER_FUNCTIONS,
      ARTIFACT_FUNCTIONS,
      LISTING_FUNCTIONS,
      MULTIPART_FUNCTIONS,
      SWEEPING_FUNCTIONS,
    ]) {
      await runner.query(sql);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    // What is left of the counting of usage when that was reverted.
    await runner.query('DROP FUNCTION IF EXISTS vaultaire_count_usage, vaultaire_forget_usage');
    // And of notifications.
    await runner.query('DROP FUNCTION IF EXISTS vaultaire_emit');
    // And of the journal of changes.
    await runner.query('DROP FUNCTION IF EXISTS vaultaire_journal');
    for (const sql of [
      DROP_SWEEPING_FUNCTIONS,
      DROP_MULTIPART_FUNCTIONS,
      DROP_LISTING_FUNCTIONS,
      DROP_ARTIFACT_FUNCTIONS,
      DROP_CONTAINER_FUNCTIONS,
      DROP_TABLES,
      DROP_LOCKS,
    ]) {
      await runner.query(sql);
    }
  }
}
