/**
 * Attachments that can be ended, and that know what they have brought. What deletes an object of a source is the driver of the source
 * (`engine/attach/attached.driver.ts`), once nothing refers to its blob any more.
 */
export const ATTACHMENTS = `
-- deletes_foreign: objects go with the artifacts that were made of them. finished_at: all keys were in; NULL: not yet.
ALTER TABLE attachments
  ADD COLUMN deletes_foreign boolean NOT NULL DEFAULT false,
  ADD COLUMN is_detaching boolean NOT NULL DEFAULT false,
  ADD COLUMN finished_at timestamptz;

UPDATE attachments SET finished_at = now() WHERE last_key IS NULL AND indexed_keys + skipped_keys > 0;

-- Keys that were looked at, so that none comes back that a client deleted.
CREATE TABLE attached_keys (
  container_id bigint NOT NULL,
  source text NOT NULL,
  key text COLLATE "C" NOT NULL,
  PRIMARY KEY (container_id, source, key),
  FOREIGN KEY (container_id, source) REFERENCES attachments ON DELETE CASCADE
);

-- A row stays until the driver of its source has let go of the object: the blob may be forgotten before.
-- container_id: where it was attached first. deletes_object: the object goes when the blob does.
ALTER TABLE foreign_blobs
  DROP CONSTRAINT foreign_blobs_blob_id_fkey,
  ADD COLUMN container_id bigint,
  ADD COLUMN source text,
  ADD COLUMN deletes_object boolean NOT NULL DEFAULT false;
UPDATE foreign_blobs f SET source = b.driver FROM blobs b WHERE b.id = f.blob_id;
UPDATE foreign_blobs f SET container_id = v.container_id
FROM artifact_versions v JOIN attachments a ON a.container_id = v.container_id
WHERE v.blob_id = f.blob_id AND v.key = f.key AND a.source = f.source;
INSERT INTO attached_keys (container_id, source, key)
SELECT container_id, source, key FROM foreign_blobs WHERE container_id IS NOT NULL ON CONFLICT DO NOTHING;
CREATE INDEX foreign_blobs_by_container ON foreign_blobs (container_id, source, key, blob_id);
CREATE INDEX foreign_blobs_by_object ON foreign_blobs (source, key);

-- As before, but for keys that were looked at already, and for attachments that are being ended, for which it does nothing.
CREATE OR REPLACE FUNCTION vaultaire_attach_page(
  p_container_id bigint, p_source text, p_last_key text, p_keys integer, p_entries jsonb,
  OUT last_key text, OUT indexed_keys bigint, OUT indexed_bytes bigint, OUT skipped_keys bigint
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_container record;
  v_entry record;
  v_written record;
  v_keys bigint := 0;
  v_bytes bigint := 0;
BEGIN
  PERFORM vaultaire_lock_container(p_container_id);
  SELECT c.tenant_id, c.owner_id, a.deletes_foreign INTO v_container
  FROM containers c JOIN attachments a ON a.container_id = c.id AND a.source = p_source
  WHERE c.id = p_container_id AND NOT a.is_detaching FOR UPDATE OF a;
  IF NOT FOUND THEN RETURN; END IF;
  -- All keys before any row: see the order of locks.
  PERFORM vaultaire_lock_key(p_container_id, k.key)
  FROM (SELECT e ->> 'key' AS key FROM jsonb_array_elements(p_entries) e ORDER BY 1) k;
  FOR v_entry IN
    SELECT (e ->> 'id')::uuid AS id, e ->> 'key' AS key, (e ->> 'sizeBytes')::bigint AS size_bytes, e ->> 'etag' AS etag,
      (e ->> 'modifiedAt')::timestamptz AS modified_at, e ->> 'contentType' AS content_type,
      nullif(e -> 'headers', '{}') AS headers, nullif(e -> 'metadata', '{}') AS metadata
    FROM jsonb_array_elements(p_entries) e ORDER BY 2
  LOOP
    CONTINUE WHEN EXISTS (
      SELECT 1 FROM artifact_versions v WHERE v.container_id = p_container_id AND v.key = v_entry.key
    ) OR EXISTS (
      SELECT 1 FROM attached_keys k
      WHERE k.container_id = p_container_id AND k.source = p_source AND k.key = v_entry.key
    );
    INSERT INTO blobs (id, tenant_id, state, driver) VALUES (v_entry.id, v_container.tenant_id, 'writing', p_source);
    INSERT INTO foreign_blobs (blob_id, key, etag, container_id, source, deletes_object)
    VALUES (v_entry.id, v_entry.key, v_entry.etag, p_container_id, p_source, v_container.deletes_foreign);
    SELECT * INTO v_written FROM vaultaire_commit_artifact(
      p_container_id, v_entry.key, v_container.tenant_id, v_container.owner_id, v_entry.size_bytes, v_entry.etag,
      NULL, NULL, NULL, v_entry.content_type, v_entry.headers, v_entry.metadata, NULL, 'STANDARD',
      'written', v_entry.id, NULL, NULL, NULL, NULL, NULL, NULL
    );
    IF v_written.outcome <> 'ok' THEN RAISE EXCEPTION 'an attached object was refused: %', v_written.outcome; END IF;
    UPDATE artifact_versions v SET created_at = v_entry.modified_at
    WHERE v.container_id = p_container_id AND v.key = v_entry.key AND v.id = v_written.version_id;
    v_keys := v_keys + 1;
    v_bytes := v_bytes + v_entry.size_bytes;
  END LOOP;
  INSERT INTO attached_keys (container_id, source, key)
  SELECT p_container_id, p_source, e ->> 'key' FROM jsonb_array_elements(p_entries) e ON CONFLICT DO NOTHING;
  UPDATE attachments a SET last_key = p_last_key, indexed_keys = a.indexed_keys + v_keys,
    indexed_bytes = a.indexed_bytes + v_bytes, skipped_keys = a.skipped_keys + p_keys - v_keys
  WHERE a.container_id = p_container_id AND a.source = p_source
  RETURNING a.last_key, a.indexed_keys, a.indexed_bytes, a.skipped_keys
  INTO last_key, indexed_keys, indexed_bytes, skipped_keys;
END
$$;
`;

export const DROP_ATTACHMENTS = `
CREATE OR REPLACE FUNCTION vaultaire_attach_page(
  p_container_id bigint, p_source text, p_last_key text, p_keys integer, p_entries jsonb,
  OUT last_key text, OUT indexed_keys bigint, OUT indexed_bytes bigint, OUT skipped_keys bigint
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_container record;
  v_entry record;
  v_written record;
  v_keys bigint := 0;
  v_bytes bigint := 0;
BEGIN
  PERFORM vaultaire_lock_container(p_container_id);
  SELECT c.tenant_id, c.owner_id INTO v_container FROM containers c WHERE c.id = p_container_id;
  IF NOT FOUND THEN RETURN; END IF;
  -- All keys before any row: see the order of locks.
  PERFORM vaultaire_lock_key(p_container_id, k.key)
  FROM (SELECT e ->> 'key' AS key FROM jsonb_array_elements(p_entries) e ORDER BY 1) k;
  FOR v_entry IN
    SELECT (e ->> 'id')::uuid AS id, e ->> 'key' AS key, (e ->> 'sizeBytes')::bigint AS size_bytes, e ->> 'etag' AS etag,
      (e ->> 'modifiedAt')::timestamptz AS modified_at, e ->> 'contentType' AS content_type,
      nullif(e -> 'headers', '{}') AS headers, nullif(e -> 'metadata', '{}') AS metadata
    FROM jsonb_array_elements(p_entries) e ORDER BY 2
  LOOP
    CONTINUE WHEN EXISTS (
      SELECT 1 FROM artifact_versions v WHERE v.container_id = p_container_id AND v.key = v_entry.key
    );
    IF v_entry.id IS NOT NULL THEN
      INSERT INTO blobs (id, tenant_id, state, driver) VALUES (v_entry.id, v_container.tenant_id, 'writing', p_source);
      INSERT INTO foreign_blobs (blob_id, key, etag) VALUES (v_entry.id, v_entry.key, v_entry.etag);
    END IF;
    SELECT * INTO v_written FROM vaultaire_commit_artifact(
      p_container_id, v_entry.key, v_container.tenant_id, v_container.owner_id, v_entry.size_bytes, v_entry.etag,
      NULL, NULL, NULL, v_entry.content_type, v_entry.headers, v_entry.metadata, NULL, 'STANDARD',
      'written', v_entry.id, NULL, NULL, NULL, NULL, NULL, NULL
    );
    IF v_written.outcome <> 'ok' THEN RAISE EXCEPTION 'an attached object was refused: %', v_written.outcome; END IF;
    UPDATE artifact_versions v SET created_at = v_entry.modified_at
    WHERE v.container_id = p_container_id AND v.key = v_entry.key AND v.id = v_written.version_id;
    v_keys := v_keys + 1;
    v_bytes := v_bytes + v_entry.size_bytes;
  END LOOP;
  UPDATE attachments a SET last_key = p_last_key, indexed_keys = a.indexed_keys + v_keys,
    indexed_bytes = a.indexed_bytes + v_bytes, skipped_keys = a.skipped_keys + p_keys - v_keys
  WHERE a.container_id = p_container_id AND a.source = p_source
  RETURNING a.last_key, a.indexed_keys, a.indexed_bytes, a.skipped_keys
  INTO last_key, indexed_keys, indexed_bytes, skipped_keys;
END
$$;

DROP INDEX foreign_blobs_by_object;
DROP INDEX foreign_blobs_by_container;
DELETE FROM foreign_blobs f WHERE NOT EXISTS (SELECT 1 FROM blobs b WHERE b.id = f.blob_id);
ALTER TABLE foreign_blobs
  DROP COLUMN deletes_object, DROP COLUMN source, DROP COLUMN container_id,
  ADD CONSTRAINT foreign_blobs_blob_id_fkey FOREIGN KEY (blob_id) REFERENCES blobs ON DELETE CASCADE;
DROP TABLE attached_keys;
ALTER TABLE attachments DROP COLUMN finished_at, DROP COLUMN is_detaching, DROP COLUMN deletes_foreign;
`;
