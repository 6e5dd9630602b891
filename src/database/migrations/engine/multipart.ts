export const MULTIPART_FUNCTIONS = `
-- outcome: ok | NoSuchContainer
CREATE FUNCTION vaultaire_create_upload(
  p_id uuid, p_tenant_id uuid, p_container_id bigint, p_key text, p_owner_id uuid, p_content_type text,
  p_headers jsonb, p_metadata jsonb, p_tags jsonb, p_storage_class text, p_checksum_algorithm text,
  p_checksum_type text, p_is_checksum_requested boolean
) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM vaultaire_lock_container(p_container_id);
  PERFORM 1 FROM containers WHERE id = p_container_id;
  IF NOT FOUND THEN RETURN 'NoSuchContainer'; END IF;
  INSERT INTO multipart_uploads (
    id, tenant_id, container_id, key, owner_id, content_type, headers, metadata, tags, storage_class,
    checksum_algorithm, checksum_type, is_checksum_requested
  ) VALUES (
    p_id, p_tenant_id, p_container_id, p_key, p_owner_id, p_content_type, p_headers, p_metadata, p_tags,
    p_storage_class, p_checksum_algorithm, p_checksum_type, p_is_checksum_requested
  );
  RETURN 'ok';
END
$$;

-- Gives back a part's bytes after the grace period: a reader of the completed artifact may be on its way to them.
CREATE FUNCTION vaultaire_doom_blobs(p_blob_ids uuid[]) RETURNS void LANGUAGE sql AS $$
  UPDATE blobs SET
    state = CASE WHEN ref_count = 1 THEN 'doomed' ELSE state END,
    doomed_at = CASE WHEN ref_count = 1 THEN clock_timestamp() END,
    ref_count = ref_count - 1
  WHERE id IN (SELECT unnest(p_blob_ids) ORDER BY 1)
$$;

-- p_limits: see vaultaire_count_usage.
-- outcome: ok | NoSuchUpload | Interrupted | QuotaExceeded (quota says which)
CREATE FUNCTION vaultaire_commit_part(
  p_upload_id uuid, p_part_number integer, p_tenant_id uuid, p_blob_id uuid, p_md5 bytea, p_inline bytea,
  p_size_bytes bigint, p_etag text, p_checksum_value text, p_limits bigint[] DEFAULT NULL, p_origin text DEFAULT NULL,
  OUT outcome text, OUT created_at timestamptz, OUT quota text
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_container record;
  v_old record;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(2, hashtext(p_upload_id::text));
  SELECT c.id, c.tenant_id, c.name, u.key INTO v_container FROM multipart_uploads u JOIN containers c ON c.id = u.container_id
  WHERE u.id = p_upload_id AND u.state = 'open';
  IF NOT FOUND THEN outcome := 'NoSuchUpload'; RETURN; END IF;
  -- A part that can't be committed leaves nothing of what follows.
  BEGIN
    -- Two writers of one part: the row lock of the upsert makes them take turns, and each dooms what it displaced.
    INSERT INTO multipart_parts (upload_id, part_number, blob_id, size_bytes, etag, checksum_value)
    VALUES (p_upload_id, p_part_number, NULL, 0, '', '')
    ON CONFLICT DO NOTHING;
    SELECT p.blob_id, p.size_bytes INTO v_old FROM multipart_parts p
    WHERE p.upload_id = p_upload_id AND p.part_number = p_part_number FOR UPDATE;
    quota := vaultaire_count_usage(v_container.tenant_id, v_container.id, p_size_bytes - v_old.size_bytes, 0, p_limits);
    IF quota IS NOT NULL THEN RAISE EXCEPTION USING ERRCODE = 'VT003'; END IF;
    IF p_inline IS NOT NULL THEN
      INSERT INTO blobs (id, tenant_id, state, size_bytes, md5, inline_body)
      VALUES (p_blob_id, p_tenant_id, 'live', p_size_bytes, p_md5, p_inline);
    ELSIF p_blob_id IS NOT NULL THEN
      UPDATE blobs SET state = 'live', size_bytes = p_size_bytes, md5 = p_md5, writer = NULL
      WHERE id = p_blob_id AND state = 'writing';
      IF NOT FOUND THEN RAISE EXCEPTION USING ERRCODE = 'VT003'; END IF;
    END IF;
    created_at := clock_timestamp();
    UPDATE multipart_parts p SET blob_id = p_blob_id, size_bytes = p_size_bytes, etag = p_etag,
      checksum_value = p_checksum_value, created_at = vaultaire_commit_part.created_at
    WHERE p.upload_id = p_upload_id AND p.part_number = p_part_number;
    IF v_old.blob_id IS NOT NULL THEN PERFORM vaultaire_doom_blobs(ARRAY[v_old.blob_id]); END IF;
    IF split_part(p_origin, ' ', 6) <> '' THEN
      PERFORM vaultaire_journal(p_origin, v_container.tenant_id, v_container.name, v_container.key, p_size_bytes);
    END IF;
    outcome := 'ok';
  EXCEPTION WHEN SQLSTATE 'VT003' THEN
    outcome := CASE WHEN quota IS NULL THEN 'Interrupted' ELSE 'QuotaExceeded' END;
  END;
END
$$;

-- The parts that the client chose, as the caller read and checked them, become a manifest and the manifest an artifact.
-- outcome: ok | NoSuchUpload | Changed (a part was written again meanwhile) | those of vaultaire_commit_artifact
CREATE FUNCTION vaultaire_complete_upload(
  p_upload_id uuid, p_part_numbers integer[], p_blob_ids uuid[], p_etags text[], p_size_bytes bigint, p_etag text,
  p_checksum_value text, p_if_match text, p_if_none_match text, p_result jsonb, p_limits bigint[] DEFAULT NULL,
  p_origin text DEFAULT NULL,
  OUT outcome text, OUT version_id bigint, OUT is_null_version boolean, OUT was_versioned boolean,
  OUT created_at timestamptz, OUT quota text
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_upload multipart_uploads%ROWTYPE;
  v_commit record;
  v_same integer;
BEGIN
  SELECT * INTO v_upload FROM multipart_uploads WHERE id = p_upload_id;
  IF NOT FOUND THEN outcome := 'NoSuchUpload'; RETURN; END IF;
  PERFORM vaultaire_lock_container(v_upload.container_id);
  PERFORM pg_advisory_xact_lock(2, hashtext(p_upload_id::text));
  PERFORM 1 FROM multipart_uploads WHERE id = p_upload_id AND state = 'open';
  IF NOT FOUND THEN outcome := 'NoSuchUpload'; RETURN; END IF;

  SELECT count(*) INTO v_same
  FROM unnest(p_part_numbers, p_blob_ids, p_etags) AS c (part_number, blob_id, etag)
  JOIN multipart_parts p ON p.upload_id = p_upload_id AND p.part_number = c.part_number
    AND p.blob_id IS NOT DISTINCT FROM c.blob_id AND p.etag = c.etag;
  IF v_same <> cardinality(p_part_numbers) THEN outcome := 'Changed'; RETURN; END IF;

  SELECT * INTO v_commit FROM vaultaire_commit_artifact(
    v_upload.container_id, v_upload.key, v_upload.tenant_id, v_upload.owner_id,
    p_size_bytes, p_etag, v_upload.checksum_algorithm, v_upload.checksum_type, p_checksum_value,
    v_upload.content_type, v_upload.headers, v_upload.metadata, v_upload.tags, v_upload.storage_class,
    'written', NULL, NULL, NULL, p_upload_id, cardinality(p_part_numbers), p_if_match, p_if_none_match, p_limits,
    (SELECT coalesce(sum(p.size_bytes), 0)::bigint FROM multipart_parts p WHERE p.upload_id = p_upload_id),
    p_origin
  );
  outcome := v_commit.outcome;
  quota := v_commit.quota;
  IF outcome <> 'ok' THEN RETURN; END IF;
  version_id := v_commit.version_id;
  is_null_version := v_commit.is_null_version;
  was_versioned := v_commit.was_versioned;
  created_at := v_commit.created_at;

  INSERT INTO manifests (id, tenant_id) VALUES (p_upload_id, v_upload.tenant_id);
  INSERT INTO manifest_parts (manifest_id, part_number, blob_id, start_byte, size_bytes, etag, checksum_value)
  SELECT p_upload_id, p.part_number, p.blob_id,
    coalesce(sum(p.size_bytes) OVER (ORDER BY p.part_number ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0),
    p.size_bytes, p.etag, p.checksum_value
  FROM multipart_parts p WHERE p.upload_id = p_upload_id AND p.part_number = ANY (p_part_numbers);
  PERFORM vaultaire_doom_blobs(ARRAY(
    SELECT p.blob_id FROM multipart_parts p
    WHERE p.upload_id = p_upload_id AND p.part_number <> ALL (p_part_numbers) AND p.blob_id IS NOT NULL
  ));
  DELETE FROM multipart_parts p WHERE p.upload_id = p_upload_id;
  UPDATE multipart_uploads u SET state = 'completed', completed_at = clock_timestamp(),
    result = p_result || jsonb_build_object(
      'versionId', v_commit.version_id::text, 'isNullVersion', v_commit.is_null_version,
      'wasVersioned', v_commit.was_versioned, 'lastModified', v_commit.created_at
    )
  WHERE u.id = p_upload_id;
END
$$;

-- Aborts those of the uploads that are open, and says how many. All of them are locked before anything is counted: a part that
-- waits for a counter has its upload locked.
CREATE FUNCTION vaultaire_abort_uploads(p_upload_ids uuid[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_container record;
  v_aborted bigint := 0;
BEGIN
  PERFORM pg_advisory_xact_lock(2, hashtext(i.id::text)) FROM (SELECT unnest(p_upload_ids) AS id ORDER BY 1) i;
  FOR v_container IN
    SELECT c.id, c.tenant_id, array_agg(u.id) AS upload_ids FROM multipart_uploads u JOIN containers c ON c.id = u.container_id
    WHERE u.id = ANY (p_upload_ids) AND u.state = 'open' GROUP BY c.id, c.tenant_id ORDER BY c.tenant_id, c.id
  LOOP
    PERFORM vaultaire_count_usage(
      v_container.tenant_id, v_container.id,
      (SELECT -coalesce(sum(p.size_bytes), 0)::bigint FROM multipart_parts p WHERE p.upload_id = ANY (v_container.upload_ids)),
      0, NULL
    );
    PERFORM vaultaire_doom_blobs(ARRAY(
      SELECT p.blob_id FROM multipart_parts p WHERE p.upload_id = ANY (v_container.upload_ids) AND p.blob_id IS NOT NULL
    ));
    DELETE FROM multipart_uploads WHERE id = ANY (v_container.upload_ids);
    v_aborted := v_aborted + cardinality(v_container.upload_ids);
  END LOOP;
  RETURN v_aborted;
END
$$;

-- outcome: ok | NoSuchUpload
CREATE FUNCTION vaultaire_abort_upload(p_upload_id uuid) RETURNS text LANGUAGE sql AS $$
  SELECT CASE WHEN vaultaire_abort_uploads(ARRAY[p_upload_id]) = 1 THEN 'ok' ELSE 'NoSuchUpload' END
$$;
`;

export const DROP_MULTIPART_FUNCTIONS = `
DROP FUNCTION vaultaire_abort_upload(uuid);
DROP FUNCTION IF EXISTS vaultaire_abort_uploads(uuid[]);
DROP FUNCTION vaultaire_complete_upload;
DROP FUNCTION vaultaire_commit_part;
DROP FUNCTION vaultaire_doom_blobs(uuid[]);
DROP FUNCTION vaultaire_create_upload;
`;
