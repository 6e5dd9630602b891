import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Lines of access logs come with the rows of the event log, in one transaction, so that what the log has once is delivered
 * once: a batch that is sent again adds neither. They wait in a table of their own, from which they go when they were
 * delivered: a position in the log would miss rows that come late from a spool.
 */
const LINES = `
ALTER TABLE events ADD COLUMN logged_container_id bigint, ADD COLUMN access_log_line text;

-- delivery_id: the delivery that takes it; NULL while it waits.
CREATE TABLE access_log_lines (
  event_id uuid CONSTRAINT access_log_lines_pkey PRIMARY KEY,
  container_id bigint NOT NULL,
  delivery_id uuid,
  time timestamptz NOT NULL,
  line text NOT NULL
);
CREATE INDEX access_log_lines_waiting ON access_log_lines (container_id, event_id) WHERE delivery_id IS NULL;
CREATE INDEX access_log_lines_delivered ON access_log_lines (delivery_id, event_id) WHERE delivery_id IS NOT NULL;

CREATE FUNCTION vaultaire_keep_access_log_line() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO access_log_lines (event_id, container_id, time, line)
    VALUES (NEW.id, NEW.logged_container_id, NEW.time, NEW.access_log_line) ON CONFLICT DO NOTHING;
  RETURN NULL;
END
$$;
CREATE TRIGGER events_access_log AFTER INSERT ON events
  FOR EACH ROW WHEN (NEW.access_log_line IS NOT NULL) EXECUTE FUNCTION vaultaire_keep_access_log_line();
`;

/** What is being delivered: the object's name is decided before it is written, so that a second try writes no second one. */
const DELIVERIES = `
CREATE TABLE access_log_deliveries (
  id uuid CONSTRAINT access_log_deliveries_pkey PRIMARY KEY,
  container_id bigint NOT NULL,
  target text NOT NULL,
  target_key text NOT NULL,
  claimed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX access_log_deliveries_by_container ON access_log_deliveries (container_id);
`;

/** Every process knows which containers are logged; this tells them of a change when it commits. */
const NOTIFY = `
CREATE FUNCTION vaultaire_access_logs_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('vaultaire_access_logs', '');
  RETURN NULL;
END
$$;
CREATE TRIGGER container_settings_logging_set AFTER INSERT OR UPDATE ON container_settings
  FOR EACH ROW WHEN (NEW.sub_resource = 'logging') EXECUTE FUNCTION vaultaire_access_logs_changed();
CREATE TRIGGER container_settings_logging_removed AFTER DELETE ON container_settings
  FOR EACH ROW WHEN (OLD.sub_resource = 'logging') EXECUTE FUNCTION vaultaire_access_logs_changed();
`;

/** Access logs of containers. */
export class AccessLogs1700000000012 implements MigrationInterface {
  readonly name = 'AccessLogs1700000000012';

  async up(runner: QueryRunner): Promise<void> {
    for (const sql of [LINES, DELIVERIES, NOTIFY]) await runner.query(sql);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TRIGGER container_settings_logging_removed ON container_settings');
    await runner.query('DROP TRIGGER container_settings_logging_set ON container_settings');
    await runner.query('DROP FUNCTION vaultaire_access_logs_changed()');
    await runner.query('DROP TRIGGER events_access_log ON events');
    await runner.query('DROP FUNCTION vaultaire_keep_access_log_line()');
    await runner.query('DROP TABLE access_log_deliveries, access_log_lines');
    await runner.query('ALTER TABLE events DROP COLUMN access_log_line, DROP COLUMN logged_container_id');
  }
}
