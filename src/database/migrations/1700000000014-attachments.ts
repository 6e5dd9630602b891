import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = `
-- Blobs whose bytes are somebody else's: their drivers delete nothing. etag: of the object as it was attached.
CREATE TABLE foreign_blobs (
  blob_id uuid PRIMARY KEY REFERENCES blobs ON DELETE CASCADE,
  key text COLLATE "C" NOT NULL,
  etag text NOT NULL
);

-- last_key: in the source's order, the last that is in the container; NULL: not begun, or all are.
CREATE TABLE attachments (
  container_id bigint NOT NULL REFERENCES containers ON DELETE CASCADE,
  source text NOT NULL,
  last_key text COLLATE "C",
  indexed_keys bigint NOT NULL DEFAULT 0,
  indexed_bytes bigint NOT NULL DEFAULT 0,
  skipped_keys bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (container_id, source)
);

-- Adds objects of a source to a container, with the key to go on from. p_keys: how many keys the page is about.
-- p_entries: [{id, key, sizeBytes, etag, modifiedAt, contentType, headers, metadata}]; id null for an empty object.
CREATE FUNCTION vaultaire_attach_page(
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
`;

const DOWN = `
DROP FUNCTION vaultaire_attach_page(bigint, text, text, integer, jsonb);
DROP TABLE attachments, foreign_blobs;
`;

/** Containers that hold what somebody else stored. */
export class Attachments1700000000014 implements MigrationInterface {
  readonly name = 'Attachments1700000000014';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN);
  }
}
