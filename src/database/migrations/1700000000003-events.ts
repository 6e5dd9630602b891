import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * One row per S3 request, denials and failures too. The primary key lets a batch be sent again after a connection was
 * lost without doubling rows; ids are UUIDv7, so that the index grows at its end.
 */
const TABLE = `
CREATE TABLE events (
  id uuid NOT NULL,
  time timestamptz NOT NULL,
  request_id text NOT NULL,
  tenant_id uuid,
  user_id uuid,
  access_key_id text,
  operation text NOT NULL,
  container text,
  artifact_key text COLLATE "C",
  version_id text,
  outcome text NOT NULL,
  status smallint NOT NULL,
  error_code text,
  bytes_in bigint NOT NULL,
  bytes_out bigint NOT NULL,
  latency_ms real NOT NULL,
  first_byte_ms real,
  driver text,
  driver_latency_ms real,
  placement text,
  range text,
  remote_address text,
  user_agent text,
  CONSTRAINT events_pkey PRIMARY KEY (id, time)
) PARTITION BY RANGE (time);

-- Takes what no day's partition takes, so that no event is ever refused.
CREATE TABLE events_default PARTITION OF events DEFAULT;
`;

/**
 * Days are UTC. Only one session works at a time, the others have nothing to do. A day that already has rows in the
 * default partition keeps them there: PostgreSQL refuses a partition that would have to move rows.
 */
const CREATE_PARTITIONS = `
CREATE FUNCTION vaultaire_create_event_partitions(p_days_ahead integer) RETURNS integer
LANGUAGE plpgsql SET lock_timeout = '2s' AS $$
DECLARE
  v_today date := (now() AT TIME ZONE 'UTC')::date;
  v_day date;
  v_name text;
  v_created integer := 0;
BEGIN
  IF NOT pg_try_advisory_xact_lock(4, 3) THEN RETURN 0; END IF;
  FOR v_offset IN 0..p_days_ahead LOOP
    v_day := v_today + v_offset;
    v_name := 'events_' || to_char(v_day, 'YYYYMMDD');
    CONTINUE WHEN to_regclass(v_name) IS NOT NULL;
    BEGIN
      EXECUTE format(
        'CREATE TABLE %I PARTITION OF events FOR VALUES FROM (%L) TO (%L)',
        v_name, v_day::timestamp AT TIME ZONE 'UTC', (v_day + 1)::timestamp AT TIME ZONE 'UTC'
      );
      v_created := v_created + 1;
    EXCEPTION WHEN check_violation THEN
      RAISE WARNING 'events of % stay in the default partition', v_day;
    END;
  END LOOP;
  RETURN v_created;
END
$$;
`;

/** The event log, partitioned by day. */
export class Events1700000000003 implements MigrationInterface {
  readonly name = 'Events1700000000003';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLE);
    await runner.query(CREATE_PARTITIONS);
    await runner.query('SELECT vaultaire_create_event_partitions(3)');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE events');
    await runner.query('DROP FUNCTION vaultaire_create_event_partitions(integer)');
  }
}
