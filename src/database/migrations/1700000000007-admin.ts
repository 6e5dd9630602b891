import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = `
-- The name of a token says in the event log who acted.
CREATE UNIQUE INDEX admin_tokens_active_name ON admin_tokens (name) WHERE revoked_at IS NULL;

-- Headers and body of the answer, sealed as one: an answer may hold a secret.
ALTER TABLE idempotency_keys DROP COLUMN headers, DROP COLUMN body, ADD COLUMN answer bytea;

-- A job outlives its tenant: closing one is a job too.
ALTER TABLE jobs
  DROP CONSTRAINT jobs_tenant_id_fkey,
  ADD CONSTRAINT jobs_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants ON DELETE SET NULL,
  ADD COLUMN cancel_requested_at timestamptz,
  ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();
DROP INDEX jobs_by_age;
CREATE INDEX jobs_of_tenant ON jobs (tenant_id, id);

CREATE FUNCTION vaultaire_notify_job() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('vaultaire_jobs', NEW.id::text);
  RETURN NULL;
END
$$;
-- Work to begin, or to stop.
CREATE TRIGGER jobs_added AFTER INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION vaultaire_notify_job();
CREATE TRIGGER jobs_changed AFTER UPDATE OF cancel_requested_at ON jobs
  FOR EACH ROW EXECUTE FUNCTION vaultaire_notify_job();
`;

const DOWN = `
DROP TRIGGER jobs_changed ON jobs;
DROP TRIGGER jobs_added ON jobs;
DROP FUNCTION vaultaire_notify_job;
DROP INDEX jobs_of_tenant;
CREATE INDEX jobs_by_age ON jobs (created_at DESC, id DESC);
ALTER TABLE jobs
  DROP CONSTRAINT jobs_tenant_id_fkey,
  ADD CONSTRAINT jobs_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants ON DELETE CASCADE,
  DROP COLUMN cancel_requested_at, DROP COLUMN updated_at;
ALTER TABLE idempotency_keys DROP COLUMN answer, ADD COLUMN headers jsonb, ADD COLUMN body jsonb;
DROP INDEX admin_tokens_active_name;
`;

/** What the admin API needs beyond its tables: names of tokens, sealed answers, news of jobs. */
export class Admin1700000000007 implements MigrationInterface {
  readonly name = 'Admin1700000000007';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN);
  }
}
