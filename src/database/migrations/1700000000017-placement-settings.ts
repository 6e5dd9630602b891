import type { MigrationInterface, QueryRunner } from 'typeorm';
import { ATTACHMENTS, DROP_ATTACHMENTS } from './engine/attachments';

const UP = `
-- Name of the placement of what is written to the container; NULL: that of the tenant.
ALTER TABLE containers ADD COLUMN placement text;
CREATE INDEX containers_by_placement ON containers (placement) WHERE placement IS NOT NULL;

-- What the admin API defines beside the configuration. document: as there, without the name.
CREATE TABLE placements (
  name text PRIMARY KEY,
  document jsonb NOT NULL,
  revision bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
-- One row: storage classes and rules, as in the configuration, and asked after those.
CREATE TABLE placement_policy (
  is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  storage_classes jsonb NOT NULL DEFAULT '{}',
  rules jsonb NOT NULL DEFAULT '[]',
  revision bigint NOT NULL DEFAULT 1
);
INSERT INTO placement_policy DEFAULT VALUES;
CREATE FUNCTION vaultaire_notify_placements() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('vaultaire_placements', '');
  RETURN NULL;
END
$$;
CREATE TRIGGER placements_changed AFTER INSERT OR UPDATE OR DELETE ON placements
  FOR EACH STATEMENT EXECUTE FUNCTION vaultaire_notify_placements();
CREATE TRIGGER placement_policy_changed AFTER UPDATE ON placement_policy
  FOR EACH STATEMENT EXECUTE FUNCTION vaultaire_notify_placements();
`;

const DOWN = `
DROP TABLE placements, placement_policy;
DROP FUNCTION vaultaire_notify_placements();
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
