/** Functions that make a version current or remove one: the point where a write is decided, in one round trip. */
export const ARTIFACT_FUNCTIONS = `
-- Gives back what a version held. A blob or manifest that nobody holds any more is doomed; the sweeper removes it later.
-- An inline blob of a version goes at once: its readers have its bytes already, in the statement that found the row.
CREATE FUNCTION vaultaire_release(p_blob_id uuid, p_manifest_id uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF p_blob_id IS NOT NULL THEN
    DELETE FROM blobs WHERE id = p_blob_id AND driver IS NULL AND ref_count = 1;
    IF NOT FOUND THEN
      UPDATE blobs SET
        state = CASE WHEN ref_count = 1 THEN 'doomed' ELSE state END,
        doomed_at = CASE WHEN ref_count = 1 THEN clock_timestamp() END,
        ref_count = ref_count - 1
      WHERE id = p_blob_id;
    END IF;
  END IF;
  IF p_manifest_id IS NOT NULL THEN
    UPDATE manifests SET
      state = CASE WHEN ref_count = 1 THEN 'doomed' ELSE state END,
      doomed_at = CASE WHEN ref_count = 1 THEN clock_timestamp() END,
      ref_count = ref_count - 1
    WHERE id = p_manifest_id;
  END IF;
END
$$;

-- A new version id: milliseconds since 1970 and 20 random bits, above the key's highest so far.
CREATE FUNCTION vaultaire_next_version_id(p_previous bigint) RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT greatest(
    coalesce(p_previous, 0) + 1,
    ((extract(epoch FROM clock_timestamp()) * 1000)::bigint << 20) + floor(random() * 1048576)::bigint
  )
$$;

-- Makes bytes that were stored (p_source 'written'), that come along (p_inline) or that another version holds
-- (p_source 'shared') the current version of a key. p_limits: see vaultaire_count_usage. p_freed_bytes: counted until now for
-- what the version takes the place of, besides the version that it displaces: the parts of its upload. p_origin: who asked, for
-- those who are told of the change (see vaultaire_emit) and for the event log (see vaultaire_journal).
-- outcome: ok | NoSuchContainer | NoSuchArtifact | PreconditionFailed | Interrupted | QuotaExceeded (quota says which)
CREATE FUNCTION vaultaire_commit_artifact(
  p_container_id bigint, p_key text, p_tenant_id uuid, p_owner_id uuid,
  p_size_bytes bigint, p_etag text, p_checksum_algorithm text, p_checksum_type text, p_checksum_value text,
  p_content_type text, p_headers jsonb, p_metadata jsonb, p_tags jsonb, p_storage_class text,
  p_source text, p_blob_id uuid, p_md5 bytea, p_inline bytea, p_manifest_id uuid, p_part_count integer,
  p_if_match text, p_if_none_match text, p_limits bigint[] DEFAULT NULL, p_freed_bytes bigint DEFAULT 0,
  p_origin text DEFAULT NULL,
  OUT outcome text, OUT version_id bigint, OUT is_null_version boolean, OUT was_versioned boolean,
  OUT created_at timestamptz, OUT quota text
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_versioning text;
  v_tenant_id uuid;
  v_container text;
  v_is_notified boolean;
  v_latest record;
  v_has_latest boolean;
  v_exists boolean;
  v_displaced record;
  v_bytes bigint := p_size_bytes - p_freed_bytes;
  v_artifacts bigint := 1;
BEGIN
  PERFORM vaultaire_lock_container(p_container_id);
  SELECT c.versioning, c.tenant_id, c.name, c.is_notified INTO v_versioning, v_tenant_id, v_container, v_is_notified
  FROM containers c WHERE c.id = p_container_id;
  IF NOT FOUND THEN outcome := 'NoSuchContainer'; RETURN; END IF;
  PERFORM vaultaire_lock_key(p_container_id, p_key);

  SELECT v.id, v.is_null_version, v.is_delete_marker, v.etag, v.size_bytes, v.blob_id, v.manifest_id INTO v_latest
  FROM artifact_versions v WHERE v.container_id = p_container_id AND v.key = p_key ORDER BY v.id DESC LIMIT 1;
  v_has_latest := FOUND;
  v_exists := v_has_latest AND NOT v_latest.is_delete_marker;
  IF p_if_none_match IS NOT NULL AND v_exists AND p_if_none_match IN ('*', v_latest.etag) THEN
    outcome := 'PreconditionFailed'; RETURN;
  END IF;
  IF p_if_match IS NOT NULL THEN
    IF NOT v_exists THEN outcome := 'NoSuchArtifact'; RETURN; END IF;
    IF p_if_match NOT IN ('*', v_latest.etag) THEN outcome := 'PreconditionFailed'; RETURN; END IF;
  END IF;

  was_versioned := v_versioning <> 'off';
  is_null_version := v_versioning <> 'enabled';
  IF is_null_version AND v_has_latest THEN
    IF v_latest.is_null_version THEN
      v_bytes := v_bytes - v_latest.size_bytes;
      v_artifacts := CASE WHEN v_latest.is_delete_marker THEN 1 ELSE 0 END;
    ELSE
      SELECT v.size_bytes, v.is_delete_marker INTO v_displaced FROM artifact_versions v
      WHERE v.container_id = p_container_id AND v.key = p_key AND v.is_null_version;
      IF FOUND THEN
        v_bytes := v_bytes - v_displaced.size_bytes;
        v_artifacts := CASE WHEN v_displaced.is_delete_marker THEN 1 ELSE 0 END;
      END IF;
    END IF;
  END IF;
  IF p_inline IS NOT NULL OR (p_blob_id IS NULL AND p_source = 'written') THEN
    quota := vaultaire_count_usage(v_tenant_id, p_container_id, v_bytes, v_artifacts, p_limits);
    IF quota IS NOT NULL THEN outcome := 'QuotaExceeded'; RETURN; END IF;
    IF p_blob_id IS NOT NULL THEN
      INSERT INTO blobs (id, tenant_id, state, size_bytes, md5, inline_body)
      VALUES (p_blob_id, p_tenant_id, 'live', p_size_bytes, p_md5, p_inline);
    END IF;
  ELSE
    BEGIN
      quota := vaultaire_count_usage(v_tenant_id, p_container_id, v_bytes, v_artifacts, p_limits);
      IF quota IS NOT NULL THEN outcome := 'QuotaExceeded'; RETURN; END IF;
      IF p_source = 'written' THEN
        UPDATE blobs SET state = 'live', size_bytes = p_size_bytes, md5 = p_md5, writer = NULL
        WHERE id = p_blob_id AND state = 'writing';
      ELSIF p_blob_id IS NOT NULL THEN
        UPDATE blobs SET ref_count = ref_count + 1 WHERE id = p_blob_id AND state = 'live';
      ELSIF p_manifest_id IS NOT NULL THEN
        UPDATE manifests SET ref_count = ref_count + 1 WHERE id = p_manifest_id AND state = 'live';
      ELSE
        PERFORM 1;
      END IF;
      IF NOT FOUND THEN RAISE EXCEPTION USING ERRCODE = 'VT003'; END IF;
    -- What was counted is given back with the sub-transaction.
    EXCEPTION WHEN SQLSTATE 'VT003' THEN outcome := 'Interrupted'; RETURN;
    END;
  END IF;

  created_at := clock_timestamp();
  IF is_null_version AND v_has_latest AND v_latest.is_null_version THEN
    version_id := v_latest.id;
    UPDATE artifact_versions v SET
      is_delete_marker = false, size_bytes = p_size_bytes, etag = p_etag,
      checksum_algorithm = p_checksum_algorithm, checksum_type = p_checksum_type, checksum_value = p_checksum_value,
      content_type = p_content_type, headers = p_headers, metadata = p_metadata, tags = p_tags,
      storage_class = p_storage_class, owner_id = p_owner_id,
      blob_id = p_blob_id, manifest_id = p_manifest_id, part_count = p_part_count, restore = NULL,
      created_at = vaultaire_commit_artifact.created_at
    WHERE v.container_id = p_container_id AND v.key = p_key AND v.id = v_latest.id;
    PERFORM vaultaire_release(v_latest.blob_id, v_latest.manifest_id);
  ELSE
    IF is_null_version AND v_has_latest THEN
      DELETE FROM artifact_versions v
      WHERE v.container_id = p_container_id AND v.key = p_key AND v.is_null_version
      RETURNING v.blob_id, v.manifest_id INTO v_displaced;
      IF FOUND THEN PERFORM vaultaire_release(v_displaced.blob_id, v_displaced.manifest_id); END IF;
    END IF;
    IF v_has_latest THEN
      UPDATE artifact_versions v SET is_latest = false
      WHERE v.container_id = p_container_id AND v.key = p_key AND v.id = v_latest.id;
      version_id := vaultaire_next_version_id(v_latest.id);
    ELSE
      version_id := vaultaire_next_version_id(NULL);
    END IF;
    INSERT INTO artifact_versions (
      container_id, key, id, is_null_version, is_latest, is_delete_marker, size_bytes, etag,
      checksum_algorithm, checksum_type, checksum_value, content_type, headers, metadata, tags, storage_class,
      owner_id, blob_id, manifest_id, part_count, created_at
    ) VALUES (
      p_container_id, p_key, version_id, is_null_version, true, false, p_size_bytes, p_etag,
      p_checksum_algorithm, p_checksum_type, p_checksum_value, p_content_type, p_headers, p_metadata, p_tags,
      p_storage_class, p_owner_id, p_blob_id, p_manifest_id, p_part_count, created_at
    );
  END IF;
  outcome := 'ok';
  IF split_part(p_origin, ' ', 6) <> '' THEN
    PERFORM vaultaire_journal(p_origin, v_tenant_id, v_container, p_key, p_size_bytes);
  END IF;
  IF v_is_notified THEN
    PERFORM vaultaire_emit(
      p_container_id, p_key,
      CASE
        WHEN p_manifest_id IS NOT NULL AND p_source = 'written' THEN 'ObjectCreated:CompleteMultipartUpload'
        WHEN starts_with(p_origin, 'CopyObject ') THEN 'ObjectCreated:Copy'
        WHEN starts_with(p_origin, 'PostObject ') THEN 'ObjectCreated:Post'
        ELSE 'ObjectCreated:Put'
      END,
      p_size_bytes, p_etag, CASE WHEN was_versioned THEN version_id END, is_null_version, p_origin
    );
  END IF;
END
$$;

-- Removes a version as a delete asks for, and says what went: what to count back (freed_bytes, freed_artifacts) and what the
-- version held, for who then counts and releases it, in this order (see usage.ts). The key is locked from here on.
-- p_selector: latest (a delete without version id) | null (the null version) | id (the version p_version_id).
-- Without a version id a delete marker takes the place where the container is versioned.
-- outcome: ok | PreconditionFailed
CREATE FUNCTION vaultaire_remove_version(
  p_container_id bigint, p_versioning text, p_key text, p_selector text, p_version_id bigint, p_owner_id uuid,
  p_if_match text, p_if_last_modified timestamptz, p_if_size_bytes bigint,
  OUT outcome text, OUT version_id bigint, OUT is_null_version boolean, OUT is_delete_marker boolean,
  OUT freed_bytes bigint, OUT freed_artifacts bigint, OUT blob_id uuid, OUT manifest_id uuid
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_target record;
  v_has_target boolean;
  v_previous bigint;
BEGIN
  PERFORM vaultaire_lock_key(p_container_id, p_key);
  is_delete_marker := false;
  freed_bytes := 0;
  freed_artifacts := 0;

  SELECT v.id, v.is_null_version, v.is_latest, v.is_delete_marker, v.etag, v.size_bytes, v.created_at,
    v.blob_id, v.manifest_id INTO v_target
  FROM artifact_versions v
  WHERE v.container_id = p_container_id AND v.key = p_key
    AND (p_selector = 'latest' OR (p_selector = 'null' AND v.is_null_version)
      OR (p_selector = 'id' AND v.id = p_version_id AND NOT v.is_null_version))
  ORDER BY v.id DESC LIMIT 1;
  v_has_target := FOUND;

  IF p_if_match IS NOT NULL OR p_if_last_modified IS NOT NULL OR p_if_size_bytes IS NOT NULL THEN
    -- Deleting what is not there succeeds, whatever the condition. A delete marker has no ETag and no size.
    IF NOT v_has_target THEN outcome := 'ok'; RETURN; END IF;
    IF (p_if_match IS NOT NULL AND p_if_match NOT IN ('*', v_target.etag))
      OR (p_if_last_modified IS NOT NULL
        AND date_trunc('second', v_target.created_at) <> date_trunc('second', p_if_last_modified))
      OR (p_if_size_bytes IS NOT NULL AND p_if_size_bytes <> v_target.size_bytes) THEN
      outcome := 'PreconditionFailed'; RETURN;
    END IF;
  END IF;

  outcome := 'ok';
  IF p_selector = 'latest' AND p_versioning <> 'off' THEN
    v_previous := CASE WHEN v_has_target THEN v_target.id END;
    IF v_has_target THEN
      UPDATE artifact_versions v SET is_latest = false
      WHERE v.container_id = p_container_id AND v.key = p_key AND v.id = v_target.id;
    END IF;
    IF p_versioning = 'suspended' THEN
      DELETE FROM artifact_versions v
      WHERE v.container_id = p_container_id AND v.key = p_key AND v.is_null_version
      RETURNING v.size_bytes, v.is_delete_marker, v.blob_id, v.manifest_id INTO v_target;
      IF FOUND THEN
        freed_bytes := v_target.size_bytes;
        freed_artifacts := CASE WHEN v_target.is_delete_marker THEN 0 ELSE 1 END;
        blob_id := v_target.blob_id;
        manifest_id := v_target.manifest_id;
      END IF;
    END IF;
    version_id := vaultaire_next_version_id(v_previous);
    is_null_version := p_versioning = 'suspended';
    is_delete_marker := true;
    INSERT INTO artifact_versions (
      container_id, key, id, is_null_version, is_latest, is_delete_marker, size_bytes, etag, storage_class, owner_id,
      created_at
    ) VALUES (
      p_container_id, p_key, version_id, is_null_version, true, true, 0, '', 'STANDARD', p_owner_id, clock_timestamp()
    );
    RETURN;
  END IF;

  IF NOT v_has_target THEN RETURN; END IF;
  version_id := v_target.id;
  is_null_version := v_target.is_null_version;
  is_delete_marker := v_target.is_delete_marker;
  freed_bytes := v_target.size_bytes;
  freed_artifacts := CASE WHEN v_target.is_delete_marker THEN 0 ELSE 1 END;
  blob_id := v_target.blob_id;
  manifest_id := v_target.manifest_id;
  DELETE FROM artifact_versions v
  WHERE v.container_id = p_container_id AND v.key = p_key AND v.id = v_target.id;
  IF v_target.is_latest AND p_versioning <> 'off' THEN
    UPDATE artifact_versions v SET is_latest = true
    WHERE v.container_id = p_container_id AND v.key = p_key AND v.id = (
      SELECT w.id FROM artifact_versions w WHERE w.container_id = p_container_id AND w.key = p_key
      ORDER BY w.id DESC LIMIT 1
    );
  END IF;
END
$$;

-- Tells of what vaultaire_remove_version did.
CREATE FUNCTION vaultaire_emit_removal(
  p_container_id bigint, p_versioning text, p_key text, p_selector text, p_version_id bigint, p_is_null_version boolean,
  p_origin text
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF p_selector = 'latest' AND p_versioning <> 'off' THEN
    -- The digest of nothing, as S3 has it.
    PERFORM vaultaire_emit(
      p_container_id, p_key, 'ObjectRemoved:DeleteMarkerCreated', NULL, 'd41d8cd98f00b204e9800998ecf8427e',
      p_version_id, p_is_null_version, p_origin
    );
  ELSE
    PERFORM vaultaire_emit(
      p_container_id, p_key, 'ObjectRemoved:Delete', NULL, NULL,
      CASE WHEN p_versioning <> 'off' THEN p_version_id END, p_is_null_version, p_origin
    );
  END IF;
END
$$;

-- One delete, see vaultaire_remove_version. outcome: ok | NoSuchContainer | PreconditionFailed
CREATE FUNCTION vaultaire_delete_artifact(
  p_container_id bigint, p_key text, p_selector text, p_version_id bigint, p_owner_id uuid,
  p_if_match text, p_if_last_modified timestamptz, p_if_size_bytes bigint, p_origin text DEFAULT NULL,
  OUT outcome text, OUT version_id bigint, OUT is_null_version boolean, OUT was_versioned boolean,
  OUT is_delete_marker boolean
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_container record;
  v_removed record;
BEGIN
  PERFORM vaultaire_lock_container(p_container_id);
  SELECT c.versioning, c.tenant_id, c.name, c.is_notified INTO v_container FROM containers c WHERE c.id = p_container_id;
  IF NOT FOUND THEN outcome := 'NoSuchContainer'; RETURN; END IF;
  SELECT * INTO v_removed FROM vaultaire_remove_version(
    p_container_id, v_container.versioning, p_key, p_selector, p_version_id, p_owner_id,
    p_if_match, p_if_last_modified, p_if_size_bytes
  );
  outcome := v_removed.outcome;
  version_id := v_removed.version_id;
  is_null_version := v_removed.is_null_version;
  was_versioned := v_container.versioning <> 'off';
  is_delete_marker := v_removed.is_delete_marker;
  IF version_id IS NOT NULL AND split_part(p_origin, ' ', 6) <> '' THEN
    PERFORM vaultaire_journal(p_origin, v_container.tenant_id, v_container.name, p_key, 0);
  END IF;
  IF v_container.is_notified AND version_id IS NOT NULL THEN
    PERFORM vaultaire_emit_removal(
      p_container_id, v_container.versioning, p_key, p_selector, version_id, is_null_version, p_origin
    );
  END IF;
  PERFORM vaultaire_count_usage(
    v_container.tenant_id, p_container_id, -v_removed.freed_bytes, -v_removed.freed_artifacts, NULL
  );
  PERFORM vaultaire_release(v_removed.blob_id, v_removed.manifest_id);
END
$$;

-- Many deletes in one transaction, in key order so that two batches can't lock each other out. What they free is counted once.
CREATE FUNCTION vaultaire_delete_artifacts(
  p_container_id bigint, p_keys text[], p_selectors text[], p_version_ids bigint[], p_owner_id uuid,
  p_if_matches text[], p_if_last_modifieds timestamptz[], p_if_sizes bigint[], p_origin text DEFAULT NULL
) RETURNS TABLE (
  ordinal integer, outcome text, version_id bigint, is_null_version boolean, was_versioned boolean,
  is_delete_marker boolean
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_container record;
  v_entry record;
  v_removed record;
  v_bytes bigint := 0;
  v_artifacts bigint := 0;
  v_blob_ids uuid[] := '{}';
  v_manifest_ids uuid[] := '{}';
BEGIN
  PERFORM vaultaire_lock_container(p_container_id);
  SELECT c.versioning, c.tenant_id, c.name, c.is_notified INTO v_container FROM containers c WHERE c.id = p_container_id;
  IF NOT FOUND THEN
    RETURN QUERY SELECT e.place::integer, 'NoSuchContainer', NULL::bigint, NULL::boolean, NULL::boolean, NULL::boolean
    FROM unnest(p_keys) WITH ORDINALITY AS e (key, place);
    RETURN;
  END IF;
  FOR v_entry IN
    SELECT e.ordinality::integer AS place, e.*
    FROM unnest(p_keys, p_selectors, p_version_ids, p_if_matches, p_if_last_modifieds, p_if_sizes) WITH ORDINALITY
      AS e (key, selector, version, if_match, if_last_modified, if_size, ordinality)
    ORDER BY e.key COLLATE "C", e.ordinality
  LOOP
    SELECT * INTO v_removed FROM vaultaire_remove_version(
      p_container_id, v_container.versioning, v_entry.key, v_entry.selector, v_entry.version, p_owner_id,
      v_entry.if_match, v_entry.if_last_modified, v_entry.if_size
    );
    v_bytes := v_bytes + v_removed.freed_bytes;
    v_artifacts := v_artifacts + v_removed.freed_artifacts;
    IF v_removed.blob_id IS NOT NULL THEN v_blob_ids := v_blob_ids || v_removed.blob_id; END IF;
    IF v_removed.manifest_id IS NOT NULL THEN v_manifest_ids := v_manifest_ids || v_removed.manifest_id; END IF;
    ordinal := v_entry.place;
    outcome := v_removed.outcome;
    version_id := v_removed.version_id;
    is_null_version := v_removed.is_null_version;
    was_versioned := v_container.versioning <> 'off';
    is_delete_marker := v_removed.is_delete_marker;
    IF v_container.is_notified AND version_id IS NOT NULL THEN
      PERFORM vaultaire_emit_removal(
        p_container_id, v_container.versioning, v_entry.key, v_entry.selector, version_id, is_null_version, p_origin
      );
    END IF;
    RETURN NEXT;
  END LOOP;
  IF split_part(p_origin, ' ', 6) <> '' THEN
    PERFORM vaultaire_journal(p_origin, v_container.tenant_id, v_container.name, NULL, 0);
  END IF;
  PERFORM vaultaire_count_usage(v_container.tenant_id, p_container_id, -v_bytes, -v_artifacts, NULL);
  PERFORM vaultaire_release(b.id, NULL) FROM (SELECT unnest(v_blob_ids) AS id ORDER BY 1) b;
  PERFORM vaultaire_release(NULL, m.id) FROM (SELECT unnest(v_manifest_ids) AS id ORDER BY 1) m;
END
$$;
`;

export const DROP_ARTIFACT_FUNCTIONS = `
DROP FUNCTION vaultaire_delete_artifacts;
DROP FUNCTION vaultaire_delete_artifact;
DROP FUNCTION IF EXISTS vaultaire_emit_removal;
DROP FUNCTION IF EXISTS vaultaire_remove_version;
DROP FUNCTION vaultaire_commit_artifact;
DROP FUNCTION vaultaire_next_version_id;
DROP FUNCTION vaultaire_release;
`;
