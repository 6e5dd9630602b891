/** Notifications of changes: who wants them (targets, rules), and what is to be told (the outbox). */
export const NOTIFICATION_TABLES = `
-- tenant_id NULL: for every tenant. secret: sealed. revision: for If-Match.
CREATE TABLE notification_targets (
  id uuid CONSTRAINT notification_targets_pkey PRIMARY KEY,
  tenant_id uuid CONSTRAINT notification_targets_tenant_id_fkey REFERENCES tenants ON DELETE CASCADE,
  name text COLLATE "C" NOT NULL,
  kind text NOT NULL CHECK (kind IN ('webhook', 'redis', 'nats')),
  settings jsonb NOT NULL,
  secret bytea,
  revision bigint NOT NULL DEFAULT 1,
  created_by text,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT notification_targets_name UNIQUE NULLS NOT DISTINCT (tenant_id, name)
);

-- holder: the process that delivers, until held_until unless it says otherwise. paused_until: the target is down.
CREATE TABLE notification_target_states (
  target_id uuid CONSTRAINT notification_target_states_pkey PRIMARY KEY
    CONSTRAINT notification_target_states_target_id_fkey REFERENCES notification_targets ON DELETE CASCADE,
  holder uuid,
  held_until timestamptz,
  paused_until timestamptz,
  failures integer NOT NULL DEFAULT 0,
  failing_since timestamptz,
  last_error text,
  last_success_at timestamptz
) WITH (fillfactor = 50);

-- What of a container goes where. place: order in the configuration. element: QueueConfiguration and its kin.
CREATE TABLE notification_rules (
  container_id bigint NOT NULL CONSTRAINT notification_rules_container_id_fkey REFERENCES containers ON DELETE CASCADE,
  place integer NOT NULL,
  id text NOT NULL,
  element text NOT NULL,
  arn text NOT NULL,
  target_id uuid NOT NULL CONSTRAINT notification_rules_target_id_fkey REFERENCES notification_targets,
  events text[] NOT NULL,
  prefix text,
  suffix text,
  CONSTRAINT notification_rules_pkey PRIMARY KEY (container_id, place)
);
CREATE INDEX notification_rules_by_target ON notification_rules (target_id);

-- One row for each event and target. id grows with each change of a key: it is taken while the key is locked. No foreign key to
-- the target, whose row all writers would lock. next_attempt_at: of one that failed and holds up those of its key that follow.
CREATE TABLE notification_outbox (
  id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT notification_outbox_pkey PRIMARY KEY,
  target_id uuid NOT NULL,
  tenant_id uuid NOT NULL,
  container_id bigint NOT NULL,
  container text NOT NULL,
  owner_id uuid NOT NULL,
  rule_id text NOT NULL,
  event text NOT NULL,
  key text COLLATE "C" NOT NULL,
  size_bytes bigint,
  etag text,
  version_id text,
  origin text,
  occurred_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead')),
  attempts smallint NOT NULL DEFAULT 0,
  last_attempt_at timestamptz,
  next_attempt_at timestamptz,
  last_error text
);
CREATE INDEX notification_outbox_pending ON notification_outbox (target_id, id) WHERE state = 'pending';
CREATE INDEX notification_outbox_failed ON notification_outbox (target_id, next_attempt_at)
  WHERE state = 'pending' AND next_attempt_at IS NOT NULL;
CREATE INDEX notification_outbox_dead ON notification_outbox (target_id, id) WHERE state = 'dead';
CREATE INDEX notification_outbox_by_time ON notification_outbox USING brin (occurred_at)
  WITH (pages_per_range = 32, autosummarize = on);

-- Read by every commit together with the container; stays when the rest is reverted, since the functions that commit do.
ALTER TABLE containers ADD COLUMN IF NOT EXISTS is_notified boolean NOT NULL DEFAULT false;
`;

export const TAG_FUNCTION = `
-- Tags of a version; the event of them is in order with the others of the key.
CREATE OR REPLACE FUNCTION vaultaire_set_tags(
  p_container_id bigint, p_key text, p_version_id bigint, p_tags jsonb, p_origin text
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_version record;
BEGIN
  PERFORM vaultaire_lock_key(p_container_id, p_key);
  UPDATE artifact_versions v SET tags = p_tags
  WHERE v.container_id = p_container_id AND v.key = p_key AND v.id = p_version_id
  RETURNING v.etag, v.is_null_version INTO v_version;
  IF NOT FOUND THEN RETURN; END IF;
  IF split_part(p_origin, ' ', 6) <> '' THEN
    PERFORM vaultaire_journal(p_origin, c.tenant_id, c.name, p_key, 0) FROM containers c WHERE c.id = p_container_id;
  END IF;
  PERFORM vaultaire_emit(
    p_container_id, p_key,
    CASE WHEN starts_with(p_origin, 'DeleteObjectTagging ') THEN 'ObjectTagging:Delete' ELSE 'ObjectTagging:Put' END,
    NULL, v_version.etag, CASE WHEN c.versioning <> 'off' THEN p_version_id END, v_version.is_null_version, p_origin
  ) FROM containers c WHERE c.id = p_container_id AND c.is_notified;
END
$$;
`;

export const NOTIFICATION_FUNCTIONS = `
-- Adds a change to the outbox for whoever wants it, in the change's transaction, with the key locked. Called only where
-- containers.is_notified. p_event as S3 names it, without "s3:". p_version_id NULL: none is told.
-- p_origin: who asked, see originOf in src/engine/change-origin.ts.
CREATE OR REPLACE FUNCTION vaultaire_emit(
  p_container_id bigint, p_key text, p_event text, p_size_bytes bigint, p_etag text,
  p_version_id bigint, p_is_null_version boolean, p_origin text
) RETURNS void LANGUAGE sql AS $$
  INSERT INTO notification_outbox (
    target_id, tenant_id, container_id, container, owner_id, rule_id, event, key, size_bytes, etag, version_id, origin
  )
  SELECT r.target_id, c.tenant_id, c.id, c.name, c.owner_id, r.id, p_event, p_key, p_size_bytes, p_etag,
    CASE WHEN p_version_id IS NULL THEN NULL WHEN p_is_null_version THEN 'null'
      ELSE lpad(to_hex(p_version_id), 16, '0') END,
    p_origin
  FROM notification_rules r JOIN containers c ON c.id = r.container_id
  WHERE r.container_id = p_container_id
    AND (p_event = ANY (r.events) OR split_part(p_event, ':', 1) || ':*' = ANY (r.events))
    AND starts_with(p_key, coalesce(r.prefix, ''))
    AND right(p_key, length(coalesce(r.suffix, ''))) = coalesce(r.suffix, '')
  ORDER BY r.place
$$;

-- Replaces the rules of a container and tells each of their targets once (s3:TestEvent). False: there is no such container.
-- p_rules: [{id, element, arn, targetId, events, prefix, suffix}]
CREATE FUNCTION vaultaire_set_notification_rules(p_container_id bigint, p_rules jsonb, p_origin text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  -- Its row lock makes those who configure take turns.
  UPDATE containers SET is_notified = jsonb_array_length(p_rules) > 0 WHERE id = p_container_id;
  IF NOT FOUND THEN RETURN false; END IF;
  DELETE FROM notification_rules WHERE container_id = p_container_id;
  INSERT INTO notification_rules (container_id, place, id, element, arn, target_id, events, prefix, suffix)
  SELECT p_container_id, r.place, r.rule ->> 'id', r.rule ->> 'element', r.rule ->> 'arn', (r.rule ->> 'targetId')::uuid,
    ARRAY(SELECT jsonb_array_elements_text(r.rule -> 'events')), r.rule ->> 'prefix', r.rule ->> 'suffix'
  FROM jsonb_array_elements(p_rules) WITH ORDINALITY AS r (rule, place);
  INSERT INTO notification_outbox (target_id, tenant_id, container_id, container, owner_id, rule_id, event, key, origin)
  SELECT DISTINCT r.target_id, c.tenant_id, c.id, c.name, c.owner_id, '', 'TestEvent', '', p_origin
  FROM notification_rules r JOIN containers c ON c.id = r.container_id WHERE r.container_id = p_container_id;
  RETURN true;
END
$$;
`;

/** After the tables are gone the functions that commit go on, and tell nobody. */
export const EMIT_NOTHING = `
UPDATE containers SET is_notified = false WHERE is_notified;
CREATE OR REPLACE FUNCTION vaultaire_emit(
  p_container_id bigint, p_key text, p_event text, p_size_bytes bigint, p_etag text,
  p_version_id bigint, p_is_null_version boolean, p_origin text
) RETURNS void LANGUAGE sql AS 'SELECT';
`;

export const DROP_NOTIFICATIONS = `
DROP FUNCTION vaultaire_set_notification_rules(bigint, jsonb, text);
DROP FUNCTION vaultaire_set_tags(bigint, text, bigint, jsonb, text);
DROP TABLE notification_outbox, notification_rules, notification_target_states, notification_targets;
`;
