import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = `
-- When somebody has read the bytes of a blob last, as far as somebody asked. Filled from the event log, in turns.
CREATE TABLE blob_reads (
  blob_id uuid CONSTRAINT blob_reads_pkey PRIMARY KEY,
  read_at timestamptz NOT NULL
);

-- One row. known_since: every read from then on is in the event log, or on its way there. late_until: not all has arrived.
CREATE TABLE read_log (
  is_single boolean CONSTRAINT read_log_pkey PRIMARY KEY DEFAULT true CHECK (is_single),
  known_since timestamptz NOT NULL DEFAULT clock_timestamp(),
  late_until timestamptz NOT NULL DEFAULT '-infinity'
);
INSERT INTO read_log DEFAULT VALUES;
`;

const DOWN = `
DROP TABLE blob_reads, read_log;
`;

/** What tiers by idleness know of reads, and how well. */
export class Idleness1700000000016 implements MigrationInterface {
  readonly name = 'Idleness1700000000016';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN);
  }
}
