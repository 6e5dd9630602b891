/**
 * Copies of blobs besides the one that `blobs.driver` names, which is always believed to be whole. A blob with one copy has no
 * row here.
 */
export const REPLICAS = `
ALTER TABLE blobs ADD COLUMN placement text;

-- pending: to be written, or perhaps written. live: whole. missing, corrupt: to be made again from another. doomed: to be removed,
-- also after the blob's own row is gone. due_at: when somebody may work on it. claimed_by: the process that does.
CREATE TABLE blob_replicas (
  blob_id uuid NOT NULL,
  driver text NOT NULL,
  tenant_id uuid NOT NULL,
  state text NOT NULL CHECK (state IN ('pending', 'live', 'missing', 'corrupt', 'doomed')),
  since timestamptz NOT NULL DEFAULT clock_timestamp(),
  due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  attempts integer NOT NULL DEFAULT 0,
  claimed_by bigint,
  error text,
  PRIMARY KEY (blob_id, driver)
);
CREATE INDEX blob_replicas_wanted ON blob_replicas (due_at) WHERE state IN ('pending', 'missing', 'corrupt');
CREATE INDEX blob_replicas_doomed ON blob_replicas (due_at) WHERE state = 'doomed';

-- How a write to several drivers went, before it is committed. p_primary: the copy to read first. p_live: drivers that have
-- the bytes. p_doomed: drivers that failed, and another took their place. The others are made later.
CREATE FUNCTION vaultaire_settle_replicas(p_blob_id uuid, p_primary text, p_live text[], p_doomed text[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_blob record;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  SELECT driver, tenant_id INTO v_blob FROM blobs WHERE id = p_blob_id AND state = 'writing' FOR UPDATE;
  IF NOT FOUND THEN RETURN; END IF;
  IF v_blob.driver <> p_primary THEN
    UPDATE blobs SET driver = p_primary WHERE id = p_blob_id;
    DELETE FROM blob_replicas WHERE blob_id = p_blob_id AND driver = p_primary;
    INSERT INTO blob_replicas (blob_id, driver, tenant_id, state)
    VALUES (p_blob_id, v_blob.driver, v_blob.tenant_id, 'pending');
  END IF;
  UPDATE blob_replicas SET
    state = CASE WHEN driver = ANY (p_live) THEN 'live' WHEN driver = ANY (p_doomed) THEN 'doomed' ELSE state END,
    since = clock_timestamp(), due_at = clock_timestamp()
  WHERE blob_id = p_blob_id;
END
$$;

-- Takes a copy that was found missing or corrupt out of use, if there is another to make it again from.
CREATE FUNCTION vaultaire_mark_replica(p_blob_id uuid, p_driver text, p_state text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  v_blob record;
  v_other text;
BEGIN
  SELECT driver, tenant_id INTO v_blob FROM blobs WHERE id = p_blob_id AND state = 'live' FOR UPDATE;
  IF NOT FOUND THEN RETURN false; END IF;
  IF v_blob.driver <> p_driver THEN
    UPDATE blob_replicas SET state = p_state, since = clock_timestamp(), due_at = clock_timestamp(), attempts = 0
    WHERE blob_id = p_blob_id AND driver = p_driver AND state = 'live';
    RETURN FOUND;
  END IF;
  SELECT driver INTO v_other FROM blob_replicas WHERE blob_id = p_blob_id AND state = 'live' ORDER BY since, driver LIMIT 1;
  IF NOT FOUND THEN RETURN false; END IF;
  UPDATE blobs SET driver = v_other WHERE id = p_blob_id;
  DELETE FROM blob_replicas WHERE blob_id = p_blob_id AND driver = v_other;
  INSERT INTO blob_replicas (blob_id, driver, tenant_id, state) VALUES (p_blob_id, p_driver, v_blob.tenant_id, p_state);
  RETURN true;
END
$$;

-- Makes a copy that was written the live one it was to be, and with p_is_primary the one to read first. False: the blob or the
-- claim is gone, and so should the bytes be.
CREATE FUNCTION vaultaire_replica_made(p_blob_id uuid, p_driver text, p_instance bigint, p_is_primary boolean)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  v_blob record;
BEGIN
  SELECT driver, tenant_id INTO v_blob FROM blobs WHERE id = p_blob_id AND state = 'live' FOR UPDATE;
  IF NOT FOUND THEN RETURN false; END IF;
  UPDATE blob_replicas SET state = 'live', since = clock_timestamp(), claimed_by = NULL, attempts = 0, error = NULL
  WHERE blob_id = p_blob_id AND driver = p_driver AND claimed_by = p_instance AND state <> 'doomed';
  IF NOT FOUND THEN RETURN false; END IF;
  IF p_is_primary THEN
    UPDATE blobs SET driver = p_driver WHERE id = p_blob_id;
    DELETE FROM blob_replicas WHERE blob_id = p_blob_id AND driver = p_driver;
    INSERT INTO blob_replicas (blob_id, driver, tenant_id, state)
    VALUES (p_blob_id, v_blob.driver, v_blob.tenant_id, 'live');
  END IF;
  RETURN true;
END
$$;
`;

export const DROP_REPLICAS = `
DROP FUNCTION vaultaire_replica_made(uuid, text, bigint, boolean);
DROP FUNCTION vaultaire_mark_replica(uuid, text, text);
DROP FUNCTION vaultaire_settle_replicas(uuid, text, text[], text[]);
DROP TABLE blob_replicas;
ALTER TABLE blobs DROP COLUMN placement;
`;
