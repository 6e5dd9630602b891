import type { MigrationInterface, QueryRunner } from 'typeorm';
import { DROP_REPLICAS, REPLICAS } from './engine/replicas';

/** Blobs on several drivers: which copy is where, and how it is. */
export class Replicas1700000000013 implements MigrationInterface {
  readonly name = 'Replicas1700000000013';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(REPLICAS);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DROP_REPLICAS);
  }
}
