/** Restores of archived artifacts. */
export const RESTORES = `
-- NULL: never asked for. {readyAt, until}: epoch milliseconds between which the bytes can be read. {days, since}: asked of the
-- driver, which has not done it yet. Bytes that take the place of others have none. Stays when the rest is reverted, since the functions that commit do.
ALTER TABLE artifact_versions ADD COLUMN IF NOT EXISTS restore jsonb;
CREATE INDEX artifact_versions_restoring ON artifact_versions (container_id, key, id) WHERE restore ? 'days';

-- Asks for the bytes of a version, p_seconds from now on (NULL: when the driver has them), until p_days days of p_day_seconds later, and from there to
-- the end of the day. Where they can be read already, only the end moves. outcome: requested | extended | ongoing | missing
CREATE FUNCTION vaultaire_restore(
  p_container_id bigint, p_key text, p_version_id bigint, p_days integer, p_day_seconds double precision,
  p_seconds double precision, OUT outcome text
) LANGUAGE plpgsql AS $$
DECLARE
  v_restore jsonb;
  v_now_ms bigint := floor(extract(epoch FROM clock_timestamp()) * 1000);
  v_ready_ms bigint;
  v_day_ms double precision := p_day_seconds * 1000;
BEGIN
  SELECT v.restore INTO v_restore FROM artifact_versions v
  WHERE v.container_id = p_container_id AND v.key = p_key AND v.id = p_version_id FOR UPDATE;
  IF NOT FOUND THEN outcome := 'missing'; RETURN; END IF;
  IF v_restore ? 'days' OR (v_restore ->> 'readyAt')::bigint > v_now_ms THEN outcome := 'ongoing'; RETURN; END IF;
  IF (v_restore ->> 'until')::bigint > v_now_ms THEN
    outcome := 'extended';
    v_ready_ms := (v_restore ->> 'readyAt')::bigint;
  ELSE
    outcome := 'requested';
    v_ready_ms := v_now_ms + p_seconds * 1000;
  END IF;
  UPDATE artifact_versions v SET restore = CASE
    WHEN outcome = 'requested' AND p_seconds IS NULL THEN jsonb_build_object('days', p_days, 'since', v_now_ms)
    ELSE jsonb_build_object(
      'readyAt', v_ready_ms,
      'until', (ceil((greatest(v_ready_ms, v_now_ms) + p_days * v_day_ms) / v_day_ms) * v_day_ms)::bigint
    )
  END
  WHERE v.container_id = p_container_id AND v.key = p_key AND v.id = p_version_id;
END
$$;
`;

export const DROP_RESTORES = `
DROP FUNCTION vaultaire_restore(bigint, text, bigint, integer, double precision, double precision);
DROP INDEX artifact_versions_restoring;
UPDATE artifact_versions SET restore = NULL WHERE restore IS NOT NULL;
`;
