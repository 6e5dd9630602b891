import type { MigrationInterface, QueryRunner } from 'typeorm';

const TABLES = `
CREATE TABLE tenants (
  id uuid CONSTRAINT tenants_pkey PRIMARY KEY,
  name text NOT NULL CONSTRAINT tenants_name_key UNIQUE,
  state text NOT NULL DEFAULT 'active' CONSTRAINT tenants_state_check CHECK (state IN ('active', 'suspended', 'closing')),
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE users (
  id uuid CONSTRAINT users_pkey PRIMARY KEY,
  tenant_id uuid NOT NULL CONSTRAINT users_tenant_id_fkey REFERENCES tenants,
  name text NOT NULL,
  canonical_id text NOT NULL CONSTRAINT users_canonical_id_key UNIQUE
    CONSTRAINT users_canonical_id_check CHECK (canonical_id ~ '^[0-9a-f]{64}$'),
  display_name text NOT NULL,
  email text,
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT users_tenant_id_name_key UNIQUE (tenant_id, name)
);

CREATE TABLE access_keys (
  id text COLLATE "C" CONSTRAINT access_keys_pkey PRIMARY KEY,
  user_id uuid NOT NULL CONSTRAINT access_keys_user_id_fkey REFERENCES users ON DELETE CASCADE,
  secret_ciphertext bytea NOT NULL,
  state text NOT NULL DEFAULT 'active' CONSTRAINT access_keys_state_check CHECK (state IN ('active', 'revoked')),
  expires_at timestamptz,
  last_used_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX access_keys_by_user ON access_keys (user_id);
`;

/** PostgreSQL sends a notification when its transaction commits, so no cache is told of a change that did not happen. */
const NOTIFICATIONS = `
CREATE FUNCTION vaultaire_notify_access_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('vaultaire_access_keys', coalesce(NEW.id, OLD.id));
  RETURN NULL;
END
$$;
CREATE TRIGGER access_keys_changed
  AFTER INSERT OR DELETE OR UPDATE OF user_id, secret_ciphertext, state, expires_at ON access_keys
  FOR EACH ROW EXECUTE FUNCTION vaultaire_notify_access_key();

CREATE FUNCTION vaultaire_notify_tenant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('vaultaire_tenants', coalesce(NEW.id, OLD.id)::text);
  RETURN NULL;
END
$$;
CREATE TRIGGER tenants_changed AFTER UPDATE OR DELETE ON tenants
  FOR EACH ROW EXECUTE FUNCTION vaultaire_notify_tenant();

CREATE FUNCTION vaultaire_notify_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('vaultaire_tenants', coalesce(NEW.tenant_id, OLD.tenant_id)::text);
  RETURN NULL;
END
$$;
CREATE TRIGGER users_changed AFTER UPDATE OR DELETE ON users
  FOR EACH ROW EXECUTE FUNCTION vaultaire_notify_user();
`;

/** Tenants, their users and the access keys of these. */
export class Tenants1700000000001 implements MigrationInterface {
  readonly name = 'Tenants1700000000001';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    await runner.query(NOTIFICATIONS);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE access_keys, users, tenants');
    await runner.query('DROP FUNCTION vaultaire_notify_access_key, vaultaire_notify_tenant, vaultaire_notify_user');
  }
}
