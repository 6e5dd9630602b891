import type { MigrationInterface, QueryRunner } from 'typeorm';

/** `revision` counts the changes of a row: the ETag of the admin API. */
const TENANCY = `
CREATE TABLE plans (
  name text CONSTRAINT plans_pkey PRIMARY KEY,
  description text,
  policy jsonb NOT NULL DEFAULT '{}',
  source text NOT NULL DEFAULT 'api' CONSTRAINT plans_source_check CHECK (source IN ('api', 'file')),
  revision bigint NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

ALTER TABLE tenants
  ADD COLUMN display_name text,
  ADD COLUMN plan text CONSTRAINT tenants_plan_fkey REFERENCES plans,
  ADD COLUMN policy jsonb NOT NULL DEFAULT '{}',
  ADD COLUMN revision bigint NOT NULL DEFAULT 1,
  ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX tenants_by_plan ON tenants (plan);

ALTER TABLE users
  ADD COLUMN revision bigint NOT NULL DEFAULT 1,
  ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();

-- scope: see KeyScope; NULL: all that the user may.
ALTER TABLE access_keys
  ADD COLUMN description text,
  ADD COLUMN scope jsonb,
  ADD COLUMN revision bigint NOT NULL DEFAULT 1;

-- quota: see ContainerQuota.
ALTER TABLE containers
  ADD COLUMN quota jsonb NOT NULL DEFAULT '{}',
  ADD COLUMN revision bigint NOT NULL DEFAULT 1;
`;

const NOTIFICATIONS = `
CREATE FUNCTION vaultaire_notify_plan() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('vaultaire_plans', coalesce(NEW.name, OLD.name));
  RETURN NULL;
END
$$;
CREATE TRIGGER plans_changed AFTER UPDATE OR DELETE ON plans
  FOR EACH ROW EXECUTE FUNCTION vaultaire_notify_plan();

DROP TRIGGER access_keys_changed ON access_keys;
CREATE TRIGGER access_keys_changed
  AFTER INSERT OR DELETE OR UPDATE OF user_id, secret_ciphertext, state, expires_at, scope ON access_keys
  FOR EACH ROW EXECUTE FUNCTION vaultaire_notify_access_key();
`;

const ADMINISTRATION = `
-- Bearer tokens of the admin API; only the SHA-256 of a token is stored.
CREATE TABLE admin_tokens (
  id uuid CONSTRAINT admin_tokens_pkey PRIMARY KEY,
  name text NOT NULL,
  role text NOT NULL CONSTRAINT admin_tokens_role_check CHECK (role IN ('operator', 'viewer', 'tenant-admin')),
  tenant_id uuid CONSTRAINT admin_tokens_tenant_id_fkey REFERENCES tenants ON DELETE CASCADE,
  token_hash bytea NOT NULL CONSTRAINT admin_tokens_token_hash_key UNIQUE,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz,
  CONSTRAINT admin_tokens_tenant_check CHECK ((role = 'tenant-admin') = (tenant_id IS NOT NULL))
);

CREATE FUNCTION vaultaire_notify_admin_token() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('vaultaire_admin_tokens', coalesce(NEW.id, OLD.id)::text);
  RETURN NULL;
END
$$;
CREATE TRIGGER admin_tokens_changed AFTER DELETE OR UPDATE OF revoked_at, expires_at, token_hash ON admin_tokens
  FOR EACH ROW EXECUTE FUNCTION vaultaire_notify_admin_token();

-- Answers of requests with an Idempotency-Key. status NULL: the first request is still running.
CREATE TABLE idempotency_keys (
  actor text NOT NULL,
  key text NOT NULL,
  fingerprint bytea NOT NULL,
  status smallint,
  headers jsonb,
  body jsonb,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT idempotency_keys_pkey PRIMARY KEY (actor, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- Long work that an operator asked for. A running job belongs to the gateway instance in owner; when that is gone the job
-- goes on elsewhere from its progress.
CREATE TABLE jobs (
  id uuid CONSTRAINT jobs_pkey PRIMARY KEY,
  kind text NOT NULL,
  tenant_id uuid CONSTRAINT jobs_tenant_id_fkey REFERENCES tenants ON DELETE CASCADE,
  state text NOT NULL DEFAULT 'queued'
    CONSTRAINT jobs_state_check CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
  parameters jsonb NOT NULL,
  progress jsonb NOT NULL DEFAULT '{}',
  error text,
  owner bigint,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  started_at timestamptz,
  finished_at timestamptz
);
CREATE INDEX jobs_unfinished ON jobs (created_at) WHERE state IN ('queued', 'running');
CREATE INDEX jobs_by_age ON jobs (created_at DESC, id DESC);

-- Who did it: the user behind an S3 request stands in user_id; for the admin plane this names the token.
ALTER TABLE events ADD COLUMN actor text;

-- What changed, written in the transaction of the change; consumers keep their own place by id.
CREATE TABLE domain_events (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT domain_events_pkey PRIMARY KEY,
  kind text NOT NULL,
  tenant_id uuid,
  container_id bigint,
  payload jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
`;

/** Plans and what an operator administers. */
export class Service1700000000004 implements MigrationInterface {
  readonly name = 'Service1700000000004';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TENANCY);
    await runner.query(NOTIFICATIONS);
    await runner.query(ADMINISTRATION);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE events DROP COLUMN actor');
    await runner.query('DROP TABLE domain_events, jobs, idempotency_keys, admin_tokens');
    await runner.query('DROP FUNCTION vaultaire_notify_admin_token');
    await runner.query('ALTER TABLE containers DROP COLUMN quota, DROP COLUMN revision');
    await runner.query('DROP TRIGGER access_keys_changed ON access_keys');
    await runner.query('ALTER TABLE access_keys DROP COLUMN description, DROP COLUMN scope, DROP COLUMN revision');
    await runner.query(`CREATE TRIGGER access_keys_changed
      AFTER INSERT OR DELETE OR UPDATE OF user_id, secret_ciphertext, state, expires_at ON access_keys
      FOR EACH ROW EXECUTE FUNCTION vaultaire_notify_access_key()`);
    await runner.query('ALTER TABLE users DROP COLUMN revision, DROP COLUMN updated_at');
    await runner.query(`ALTER TABLE tenants DROP COLUMN display_name, DROP COLUMN plan, DROP COLUMN policy,
      DROP COLUMN revision, DROP COLUMN updated_at`);
    await runner.query('DROP TABLE plans');
    await runner.query('DROP FUNCTION vaultaire_notify_plan');
  }
}
