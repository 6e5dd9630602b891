/**
 * Listings walk the index in key order. With a delimiter they skip from one common prefix to the next (a loose index
 * scan, https://wiki.postgresql.org/wiki/Loose_indexscan): keys below a common prefix are not read.
 */
export const LISTING_FUNCTIONS = `
-- The least string above every string that begins with p_prefix, in UTF-8 byte order.
CREATE FUNCTION vaultaire_prefix_successor(p_prefix text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
  v_rest text := p_prefix;
  v_code integer;
BEGIN
  WHILE v_rest <> '' LOOP
    v_code := ascii(right(v_rest, 1));
    v_rest := left(v_rest, -1);
    IF v_code < 1114111 THEN
      RETURN v_rest || chr(CASE WHEN v_code = 55295 THEN 57344 ELSE v_code + 1 END);
    END IF;
  END LOOP;
  RETURN repeat(chr(1114111), 257);
END
$$;

-- Keys and common prefixes together, above p_after, below p_upper, at most p_limit. key NULL: a common prefix.
CREATE FUNCTION vaultaire_list_artifacts(
  p_container_id bigint, p_prefix text, p_delimiter text, p_after text, p_upper text, p_limit integer
) RETURNS TABLE (
  key text, common_prefix text, size_bytes bigint, etag text, created_at timestamptz, storage_class text,
  checksum_algorithm text, checksum_type text, owner_id uuid
) LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
  v_from text := p_after;
  v_is_inclusive boolean := false;
  v_left integer := p_limit;
  v_skips boolean := true;
  v_at integer;
  v_row record;
BEGIN
  IF starts_with(p_after, p_prefix) THEN
    v_at := position(p_delimiter IN substr(p_after, length(p_prefix) + 1));
    IF v_at > 0 THEN
      v_from := vaultaire_prefix_successor(left(p_after, length(p_prefix) + v_at - 1 + length(p_delimiter)));
      v_is_inclusive := true;
    END IF;
  END IF;
  IF v_from < p_prefix OR (v_from = p_prefix AND p_after = '') THEN
    v_from := p_prefix;
    v_is_inclusive := true;
  END IF;
  WHILE v_skips AND v_left > 0 LOOP
    v_skips := false;
    FOR v_row IN
      SELECT v.key, v.size_bytes, v.etag, v.created_at, v.storage_class, v.checksum_algorithm, v.checksum_type,
        v.owner_id
      FROM artifact_versions v
      WHERE v.container_id = p_container_id AND v.is_latest AND NOT v.is_delete_marker
        AND v.key >= v_from AND (v_is_inclusive OR v.key > v_from) AND v.key < p_upper
      ORDER BY v.key LIMIT v_left
    LOOP
      v_left := v_left - 1;
      v_at := position(p_delimiter IN substr(v_row.key, length(p_prefix) + 1));
      IF v_at > 0 THEN
        key := NULL;
        common_prefix := left(v_row.key, length(p_prefix) + v_at - 1 + length(p_delimiter));
        RETURN NEXT;
        v_from := vaultaire_prefix_successor(common_prefix);
        v_is_inclusive := true;
        v_skips := true;
        EXIT;
      END IF;
      key := v_row.key;
      common_prefix := NULL;
      size_bytes := v_row.size_bytes;
      etag := v_row.etag;
      created_at := v_row.created_at;
      storage_class := v_row.storage_class;
      checksum_algorithm := v_row.checksum_algorithm;
      checksum_type := v_row.checksum_type;
      owner_id := v_row.owner_id;
      RETURN NEXT;
    END LOOP;
  END LOOP;
END
$$;

-- Versions newest first within a key. p_after_id: begin below this version of the key p_after; NULL: after the key.
CREATE FUNCTION vaultaire_list_versions(
  p_container_id bigint, p_prefix text, p_delimiter text, p_after text, p_after_id bigint, p_upper text,
  p_limit integer
) RETURNS TABLE (
  key text, common_prefix text, id bigint, is_null_version boolean, is_latest boolean, is_delete_marker boolean,
  size_bytes bigint, etag text, created_at timestamptz, storage_class text, checksum_algorithm text,
  checksum_type text, owner_id uuid
) LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
  v_from text := p_after;
  v_is_inclusive boolean := p_after_id IS NOT NULL;
  v_left integer := p_limit;
  v_skips boolean := true;
  v_at integer;
  v_row record;
BEGIN
  IF p_delimiter <> '' AND p_after_id IS NULL AND starts_with(p_after, p_prefix) THEN
    v_at := position(p_delimiter IN substr(p_after, length(p_prefix) + 1));
    IF v_at > 0 THEN
      v_from := vaultaire_prefix_successor(left(p_after, length(p_prefix) + v_at - 1 + length(p_delimiter)));
      v_is_inclusive := true;
    END IF;
  END IF;
  IF v_from < p_prefix OR (v_from = p_prefix AND p_after = '') THEN
    v_from := p_prefix;
    v_is_inclusive := true;
  END IF;
  WHILE v_skips AND v_left > 0 LOOP
    v_skips := false;
    FOR v_row IN
      SELECT v.* FROM artifact_versions v
      WHERE v.container_id = p_container_id
        AND v.key >= v_from AND (v_is_inclusive OR v.key > v_from) AND v.key < p_upper
        AND (p_after_id IS NULL OR v.key <> p_after OR v.id < p_after_id)
      ORDER BY v.key, v.id DESC LIMIT v_left
    LOOP
      v_left := v_left - 1;
      v_at := CASE WHEN p_delimiter = '' THEN 0
        ELSE position(p_delimiter IN substr(v_row.key, length(p_prefix) + 1)) END;
      IF v_at > 0 THEN
        key := NULL;
        common_prefix := left(v_row.key, length(p_prefix) + v_at - 1 + length(p_delimiter));
        RETURN NEXT;
        v_from := vaultaire_prefix_successor(common_prefix);
        v_is_inclusive := true;
        v_skips := true;
        EXIT;
      END IF;
      key := v_row.key;
      common_prefix := NULL;
      id := v_row.id;
      is_null_version := v_row.is_null_version;
      is_latest := v_row.is_latest;
      is_delete_marker := v_row.is_delete_marker;
      size_bytes := v_row.size_bytes;
      etag := v_row.etag;
      created_at := v_row.created_at;
      storage_class := v_row.storage_class;
      checksum_algorithm := v_row.checksum_algorithm;
      checksum_type := v_row.checksum_type;
      owner_id := v_row.owner_id;
      RETURN NEXT;
    END LOOP;
  END LOOP;
END
$$;
`;

export const DROP_LISTING_FUNCTIONS = `
DROP FUNCTION vaultaire_list_versions;
DROP FUNCTION vaultaire_list_artifacts;
DROP FUNCTION vaultaire_prefix_successor(text);
`;
