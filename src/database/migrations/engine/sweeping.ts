export const SWEEPING_FUNCTIONS = `
-- Blobs whose writer is gone will never be finished.
CREATE FUNCTION vaultaire_doom_orphans() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_count bigint;
BEGIN
  UPDATE blobs SET state = 'doomed', doomed_at = clock_timestamp(), ref_count = 0
  WHERE state = 'writing' AND writer NOT IN (SELECT instance_id FROM vaultaire_live_instances());
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$;

-- Nothing that began to be read before this moment is being read any more, as far as the living processes have said.
CREATE FUNCTION vaultaire_oldest_read() RETURNS timestamptz LANGUAGE sql STABLE AS $$
  SELECT coalesce(min(coalesce(oldest_read_at, heartbeat_at)), now())
  FROM gateway_instances WHERE id IN (SELECT instance_id FROM vaultaire_live_instances())
$$;

-- Dooms the blobs of up to p_limit manifests that nobody holds any more, and forgets the manifests.
CREATE FUNCTION vaultaire_expand_doomed_manifests(p_limit integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  v_ids uuid[];
BEGIN
  SELECT array_agg(id) INTO v_ids FROM (
    SELECT id FROM manifests WHERE state = 'doomed' ORDER BY doomed_at LIMIT p_limit FOR UPDATE SKIP LOCKED
  ) doomed;
  IF v_ids IS NULL THEN RETURN 0; END IF;
  -- A reader may have looked the manifest up but not its parts yet: both stay until such readers are done.
  SELECT array_agg(id) INTO v_ids FROM manifests
  WHERE id = ANY (v_ids) AND doomed_at < vaultaire_oldest_read() - interval '1 second';
  IF v_ids IS NULL THEN RETURN 0; END IF;
  PERFORM vaultaire_doom_blobs(ARRAY(
    SELECT blob_id FROM manifest_parts WHERE manifest_id = ANY (v_ids) AND blob_id IS NOT NULL
  ));
  DELETE FROM manifests WHERE id = ANY (v_ids);
  RETURN cardinality(v_ids);
END
$$;
`;

export const DROP_SWEEPING_FUNCTIONS = `
DROP FUNCTION vaultaire_expand_doomed_manifests(integer);
DROP FUNCTION vaultaire_oldest_read();
DROP FUNCTION vaultaire_doom_orphans();
`;
