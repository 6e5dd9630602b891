import type { MigrationInterface, QueryRunner } from 'typeorm';
import { ATTACHMENTS, DROP_ATTACHMENTS } from './engine/attachments';

const UP = `
-- Name of the placement of what is written to the container; NULL: that of the tenant.
ALTER TABLE containers ADD COLUMN placement text;
`;

const DOWN = `
ALTER TABLE containers DROP COLUMN placement;
`;

/** Placements as containers have them, and attachments that can be ended. */
export class PlacementSettings1700000000017 implements MigrationInterface {
  readonly name = 'PlacementSettings1700000000017';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP);
    await runner.query(ATTACHMENTS);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DROP_ATTACHMENTS);
    await runner.query(DOWN);
  }
}
