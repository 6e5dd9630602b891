/** Number of counters that a busy scope is spread over. Connections take turns by the id of their backend process. */
const STRIPES = 16;

export const USAGE_TABLES = `
-- What a tenant (scope 1, container_id 0) or a container (scope 2) holds is the sum of its stripes, so that concurrent
-- writers don't wait for one row. allowance: up to where a stripe may grow by itself; those of a scope never add up to more
-- than the limit that they were dealt out under. A limit of -1 is that of no commit: the next one deals anew.
CREATE TABLE usage_counters (
  scope smallint NOT NULL,
  tenant_id uuid NOT NULL CONSTRAINT usage_counters_tenant_id_fkey REFERENCES tenants ON DELETE CASCADE,
  container_id bigint NOT NULL,
  stripe smallint NOT NULL,
  bytes bigint NOT NULL DEFAULT 0,
  artifacts bigint NOT NULL DEFAULT 0,
  limit_bytes bigint,
  limit_artifacts bigint,
  allowance_bytes bigint,
  allowance_artifacts bigint,
  CONSTRAINT usage_counters_pkey PRIMARY KEY (tenant_id, scope, container_id, stripe)
) WITH (fillfactor = 40);

-- Bytes sent in answers, per calendar month (UTC; its first day).
CREATE TABLE tenant_egress (
  tenant_id uuid NOT NULL CONSTRAINT tenant_egress_tenant_id_fkey REFERENCES tenants ON DELETE CASCADE,
  month date NOT NULL,
  bytes bigint NOT NULL,
  CONSTRAINT tenant_egress_pkey PRIMARY KEY (tenant_id, month)
) WITH (fillfactor = 40);

-- container_id 0: the tenant. bytes and artifacts are a sample of the hour, NULL while it was not taken.
CREATE TABLE usage_history (
  tenant_id uuid NOT NULL CONSTRAINT usage_history_tenant_id_fkey REFERENCES tenants ON DELETE CASCADE,
  container_id bigint NOT NULL,
  hour timestamptz NOT NULL,
  bytes bigint,
  artifacts bigint,
  bytes_in bigint NOT NULL DEFAULT 0,
  bytes_out bigint NOT NULL DEFAULT 0,
  requests bigint NOT NULL DEFAULT 0,
  CONSTRAINT usage_history_pkey PRIMARY KEY (tenant_id, container_id, hour)
) WITH (fillfactor = 70);

-- Hours whose sample was taken.
CREATE TABLE usage_samples (hour timestamptz CONSTRAINT usage_samples_pkey PRIMARY KEY);

-- Shares of soft quotas that are reached and announced; a row goes when usage falls below.
CREATE TABLE quota_crossings (
  tenant_id uuid NOT NULL CONSTRAINT quota_crossings_tenant_id_fkey REFERENCES tenants ON DELETE CASCADE,
  container_id bigint NOT NULL,
  quota text NOT NULL,
  percent smallint NOT NULL,
  crossed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CONSTRAINT quota_crossings_pkey PRIMARY KEY (tenant_id, container_id, quota, percent)
);
`;

export const DROP_USAGE_TABLES = `
DROP TABLE quota_crossings, usage_samples, usage_history, tenant_egress, usage_counters;
`;

/** What the rows of the other tables add up to: the counters, counted again. */
const COUNTED = `
  SELECT c.tenant_id, c.id AS container_id, sum(s.bytes)::bigint AS bytes, sum(s.artifacts)::bigint AS artifacts
  FROM (
    SELECT v.container_id, v.size_bytes AS bytes, CASE WHEN v.is_delete_marker THEN 0 ELSE 1 END AS artifacts
    FROM artifact_versions v
    UNION ALL
    SELECT u.container_id, p.size_bytes, 0 FROM multipart_parts p JOIN multipart_uploads u ON u.id = p.upload_id
    WHERE u.state = 'open'
  ) s JOIN containers c ON c.id = s.container_id
  GROUP BY c.tenant_id, c.id`;

export const COUNT_EXISTING_ROWS = `
LOCK TABLE artifact_versions, multipart_uploads, multipart_parts, containers IN SHARE ROW EXCLUSIVE MODE;
WITH counted AS (${COUNTED})
INSERT INTO usage_counters (scope, tenant_id, container_id, stripe, bytes, artifacts)
SELECT 2, tenant_id, container_id, 0, bytes, artifacts FROM counted
UNION ALL
SELECT 1, tenant_id, 0, 0, sum(bytes), sum(artifacts) FROM counted GROUP BY tenant_id;
`;

const AT_STRIPE = (stripe: string): string =>
  `u.tenant_id = p_tenant_id AND u.scope = p_scope AND u.container_id = p_container_id AND u.stripe = ${stripe}`;
const OF_SCOPE = 'u.tenant_id = p_tenant_id AND u.scope = p_scope AND u.container_id = p_container_id';

/**
 * The stripe of a connection takes a change by itself where its allowance suffices. Otherwise the room that is left is dealt out anew
 * under the locks of all stripes, which is also where a limit is found to be exceeded: never while there is room. Stripes are
 * locked after keys and before blobs; a tenant's before a container's; more than one of a scope only by those who hold stripe 0.
 */
export const USAGE_FUNCTIONS = `
DROP FUNCTION IF EXISTS vaultaire_count_usage, vaultaire_forget_usage;

-- Counts with all stripes of the scope locked. NULL, or the quota that has no room ('bytes', 'artifacts'): nothing is counted then.
CREATE FUNCTION vaultaire_deal_usage(
  p_scope smallint, p_tenant_id uuid, p_container_id bigint, p_stripe smallint, p_bytes bigint, p_artifacts bigint,
  p_limit_bytes bigint, p_limit_artifacts bigint
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_stripes bigint;
  v_bytes bigint;
  v_artifacts bigint;
BEGIN
  INSERT INTO usage_counters (scope, tenant_id, container_id, stripe, limit_bytes, limit_artifacts)
  VALUES (p_scope, p_tenant_id, p_container_id, 0, -1, -1) ON CONFLICT DO NOTHING;
  PERFORM 1 FROM usage_counters u WHERE ${AT_STRIPE('0')} FOR UPDATE;
  -- Stripes come into being under the lock of stripe 0 only, so from here on these are all.
  IF p_stripe <> 0 THEN
    INSERT INTO usage_counters (scope, tenant_id, container_id, stripe, limit_bytes, limit_artifacts)
    VALUES (p_scope, p_tenant_id, p_container_id, p_stripe, -1, -1) ON CONFLICT DO NOTHING;
  END IF;
  PERFORM 1 FROM usage_counters u WHERE ${OF_SCOPE} ORDER BY u.stripe FOR UPDATE;
  SELECT count(*), sum(u.bytes) + p_bytes, sum(u.artifacts) + p_artifacts INTO v_stripes, v_bytes, v_artifacts
  FROM usage_counters u WHERE ${OF_SCOPE};
  IF p_bytes > 0 AND v_bytes > p_limit_bytes THEN RETURN 'bytes'; END IF;
  IF p_artifacts > 0 AND v_artifacts > p_limit_artifacts THEN RETURN 'artifacts'; END IF;
  UPDATE usage_counters u SET
    bytes = u.bytes + CASE WHEN u.stripe = p_stripe THEN p_bytes ELSE 0 END,
    artifacts = u.artifacts + CASE WHEN u.stripe = p_stripe THEN p_artifacts ELSE 0 END,
    limit_bytes = p_limit_bytes,
    limit_artifacts = p_limit_artifacts,
    -- Above a limit that was lowered the room is negative, and so are the shares in it.
    allowance_bytes = u.bytes + CASE WHEN u.stripe = p_stripe THEN p_bytes ELSE 0 END
      + floor((p_limit_bytes - v_bytes)::numeric / v_stripes)::bigint,
    allowance_artifacts = u.artifacts + CASE WHEN u.stripe = p_stripe THEN p_artifacts ELSE 0 END
      + floor((p_limit_artifacts - v_artifacts)::numeric / v_stripes)::bigint
  WHERE ${OF_SCOPE};
  RETURN NULL;
END
$$;

-- NULL, or the quota that has no room: nothing is counted then.
CREATE FUNCTION vaultaire_count_scope(
  p_scope smallint, p_tenant_id uuid, p_container_id bigint, p_bytes bigint, p_artifacts bigint,
  p_limit_bytes bigint, p_limit_artifacts bigint
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_stripe smallint := pg_backend_pid() % ${String(STRIPES)};
BEGIN
  IF p_bytes <= 0 AND p_artifacts <= 0 THEN
    UPDATE usage_counters u SET bytes = u.bytes + p_bytes, artifacts = u.artifacts + p_artifacts
    WHERE ${AT_STRIPE('v_stripe')};
    IF FOUND THEN RETURN NULL; END IF;
  ELSIF p_limit_bytes IS NULL AND p_limit_artifacts IS NULL THEN
    UPDATE usage_counters u SET bytes = u.bytes + p_bytes, artifacts = u.artifacts + p_artifacts
    WHERE ${AT_STRIPE('v_stripe')} AND u.limit_bytes IS NULL AND u.limit_artifacts IS NULL;
    IF FOUND THEN RETURN NULL; END IF;
  ELSE
    -- An update that waited for another and then finds no room keeps the lock of its row, and who asks for stripe 0 with that
    -- in hand locks others out: the sub-transaction gives it back.
    BEGIN
      UPDATE usage_counters u SET bytes = u.bytes + p_bytes, artifacts = u.artifacts + p_artifacts
      WHERE ${AT_STRIPE('v_stripe')}
        AND u.limit_bytes IS NOT DISTINCT FROM p_limit_bytes AND u.limit_artifacts IS NOT DISTINCT FROM p_limit_artifacts
        AND (p_bytes <= 0 OR p_limit_bytes IS NULL OR u.bytes + p_bytes <= u.allowance_bytes)
        AND (p_artifacts <= 0 OR p_limit_artifacts IS NULL OR u.artifacts + p_artifacts <= u.allowance_artifacts);
      IF FOUND THEN RETURN NULL; END IF;
      RAISE EXCEPTION USING ERRCODE = 'VT001';
    EXCEPTION WHEN SQLSTATE 'VT001' THEN NULL;
    END;
  END IF;
  RETURN vaultaire_deal_usage(
    p_scope, p_tenant_id, p_container_id, v_stripe, p_bytes, p_artifacts, p_limit_bytes, p_limit_artifacts
  );
END
$$;

-- p_limits: bytes and artifacts of the tenant, bytes and artifacts of the container; NULL: no limit. Answers NULL, or the quota
-- that has no room ('tenant.bytes', 'container.artifacts' ...): nothing is counted then. What only gives back always succeeds.
CREATE FUNCTION vaultaire_count_usage(
  p_tenant_id uuid, p_container_id bigint, p_bytes bigint, p_artifacts bigint, p_limits bigint[]
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  v_quota text;
BEGIN
  IF p_bytes = 0 AND p_artifacts = 0 THEN RETURN NULL; END IF;
  IF p_limits[3] IS NULL AND p_limits[4] IS NULL THEN
    v_quota := vaultaire_count_scope(1::smallint, p_tenant_id, 0, p_bytes, p_artifacts, p_limits[1], p_limits[2]);
    IF v_quota IS NOT NULL THEN RETURN 'tenant.' || v_quota; END IF;
    PERFORM vaultaire_count_scope(2::smallint, p_tenant_id, p_container_id, p_bytes, p_artifacts, NULL, NULL);
    RETURN NULL;
  END IF;
  BEGIN
    v_quota := vaultaire_count_scope(1::smallint, p_tenant_id, 0, p_bytes, p_artifacts, p_limits[1], p_limits[2]);
    IF v_quota IS NOT NULL THEN RETURN 'tenant.' || v_quota; END IF;
    v_quota := vaultaire_count_scope(
      2::smallint, p_tenant_id, p_container_id, p_bytes, p_artifacts, p_limits[3], p_limits[4]
    );
    IF v_quota IS NULL THEN RETURN NULL; END IF;
    RAISE EXCEPTION USING ERRCODE = 'VT002';
  EXCEPTION WHEN SQLSTATE 'VT002' THEN RETURN 'container.' || v_quota;
  END;
END
$$;

-- A deleted container holds nothing any more.
CREATE FUNCTION vaultaire_forget_usage(p_container_id bigint, p_tenant_id uuid) RETURNS void LANGUAGE sql AS $$
  DELETE FROM usage_counters WHERE tenant_id = p_tenant_id AND scope = 2 AND container_id = p_container_id;
  DELETE FROM quota_crossings WHERE tenant_id = p_tenant_id AND container_id = p_container_id;
$$;

-- Scopes whose counters differ from the rows that they count, all as of one moment. p_apply: counts the difference.
CREATE FUNCTION vaultaire_reconcile_usage(p_apply boolean) RETURNS TABLE (
  scope smallint, tenant_id uuid, container_id bigint, counted_bytes bigint, counted_artifacts bigint,
  actual_bytes bigint, actual_artifacts bigint
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_drift record;
BEGIN
  -- One at a time: a difference must not be counted twice.
  PERFORM pg_advisory_xact_lock(4, 5);
  FOR v_drift IN
    WITH containers_now AS (${COUNTED}
    ), actual AS (
      SELECT 2::smallint AS scope, tenant_id, container_id, bytes, artifacts FROM containers_now
      UNION ALL
      SELECT 1::smallint, tenant_id, 0, sum(bytes)::bigint, sum(artifacts)::bigint FROM containers_now GROUP BY tenant_id
    ), counters AS (
      SELECT scope, tenant_id, container_id, sum(bytes)::bigint AS bytes, sum(artifacts)::bigint AS artifacts
      FROM usage_counters GROUP BY scope, tenant_id, container_id
    )
    SELECT scope, tenant_id, container_id, coalesce(u.bytes, 0) AS counted_bytes,
      coalesce(u.artifacts, 0) AS counted_artifacts, coalesce(a.bytes, 0) AS actual_bytes,
      coalesce(a.artifacts, 0) AS actual_artifacts
    FROM counters u FULL JOIN actual a USING (scope, tenant_id, container_id)
    WHERE coalesce(u.bytes, 0) <> coalesce(a.bytes, 0) OR coalesce(u.artifacts, 0) <> coalesce(a.artifacts, 0)
    ORDER BY scope, tenant_id, container_id
  LOOP
    IF p_apply THEN
      PERFORM vaultaire_correct_usage(
        v_drift.scope, v_drift.tenant_id, v_drift.container_id,
        v_drift.actual_bytes - v_drift.counted_bytes, v_drift.actual_artifacts - v_drift.counted_artifacts
      );
    END IF;
    RETURN QUERY SELECT v_drift.scope, v_drift.tenant_id, v_drift.container_id, v_drift.counted_bytes,
      v_drift.counted_artifacts, v_drift.actual_bytes, v_drift.actual_artifacts;
  END LOOP;
END
$$;

-- Counts a difference whatever the limits say, and has the next commit deal them out anew.
CREATE FUNCTION vaultaire_correct_usage(
  p_scope smallint, p_tenant_id uuid, p_container_id bigint, p_bytes bigint, p_artifacts bigint
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  -- A container that was deleted meanwhile has no counters any more.
  IF p_scope = 2 THEN
    PERFORM vaultaire_lock_container(p_container_id);
    PERFORM 1 FROM containers WHERE id = p_container_id;
    IF NOT FOUND THEN
      DELETE FROM usage_counters u WHERE ${OF_SCOPE};
      RETURN;
    END IF;
  END IF;
  INSERT INTO usage_counters (scope, tenant_id, container_id, stripe)
  VALUES (p_scope, p_tenant_id, p_container_id, 0) ON CONFLICT DO NOTHING;
  PERFORM 1 FROM usage_counters u WHERE ${AT_STRIPE('0')} FOR UPDATE;
  PERFORM 1 FROM usage_counters u WHERE ${OF_SCOPE} ORDER BY u.stripe FOR UPDATE;
  UPDATE usage_counters u SET
    bytes = u.bytes + CASE WHEN u.stripe = 0 THEN p_bytes ELSE 0 END,
    artifacts = u.artifacts + CASE WHEN u.stripe = 0 THEN p_artifacts ELSE 0 END,
    limit_bytes = -1, limit_artifacts = -1
  WHERE ${OF_SCOPE};
END
$$;

-- Adds what was transferred since the last call to the hour, of the tenants and of their containers, and to the month, and
-- answers the month's bytes of the tenants. A crash of PostgreSQL may cost what was added last.
CREATE FUNCTION vaultaire_add_traffic(
  p_tenant_ids uuid[], p_containers text[], p_bytes_in bigint[], p_bytes_out bigint[], p_requests bigint[]
) RETURNS TABLE (tenant_id uuid, egress_bytes bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_hour timestamptz := date_trunc('hour', now(), 'UTC');
  v_month date := date_trunc('month', now() AT TIME ZONE 'UTC');
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  INSERT INTO usage_history AS h (tenant_id, container_id, hour, bytes_in, bytes_out, requests)
  SELECT s.tenant_id, s.container_id, v_hour, sum(s.bytes_in), sum(s.bytes_out), sum(s.requests)
  FROM (
    SELECT t.id AS tenant_id, scope.container_id, d.bytes_in, d.bytes_out, d.requests
    FROM unnest(p_tenant_ids, p_containers, p_bytes_in, p_bytes_out, p_requests)
      AS d (tenant_id, container, bytes_in, bytes_out, requests)
    JOIN tenants t ON t.id = d.tenant_id
    CROSS JOIN LATERAL (
      SELECT 0::bigint AS container_id UNION ALL
      SELECT c.id FROM containers c WHERE c.tenant_id = d.tenant_id AND c.name = d.container
    ) scope
  ) s
  GROUP BY s.tenant_id, s.container_id ORDER BY s.tenant_id, s.container_id
  ON CONFLICT (tenant_id, container_id, hour) DO UPDATE SET bytes_in = h.bytes_in + EXCLUDED.bytes_in,
    bytes_out = h.bytes_out + EXCLUDED.bytes_out, requests = h.requests + EXCLUDED.requests;
  RETURN QUERY INSERT INTO tenant_egress AS e (tenant_id, month, bytes)
  SELECT t.id, v_month, sum(d.bytes_out)
  FROM unnest(p_tenant_ids, p_bytes_out) AS d (tenant_id, bytes_out) JOIN tenants t ON t.id = d.tenant_id
  GROUP BY t.id ORDER BY t.id
  ON CONFLICT (tenant_id, month) DO UPDATE SET bytes = e.bytes + EXCLUDED.bytes
  RETURNING e.tenant_id, e.bytes;
END
$$;

-- Takes this hour's sample of what everybody holds. false: it was taken already.
CREATE FUNCTION vaultaire_sample_usage() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  v_hour timestamptz := date_trunc('hour', now(), 'UTC');
BEGIN
  INSERT INTO usage_samples (hour) VALUES (v_hour) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN RETURN false; END IF;
  DELETE FROM usage_samples WHERE hour < v_hour - interval '1 day';
  INSERT INTO usage_history (tenant_id, container_id, hour, bytes, artifacts)
  SELECT u.tenant_id, u.container_id, v_hour, sum(u.bytes), sum(u.artifacts) FROM usage_counters u
  GROUP BY u.tenant_id, u.container_id ORDER BY u.tenant_id, u.container_id
  ON CONFLICT (tenant_id, container_id, hour) DO UPDATE SET bytes = EXCLUDED.bytes, artifacts = EXCLUDED.artifacts;
  RETURN true;
END
$$;

-- Compares what is used with the soft quotas, all of them, and writes a domain event for each share that is newly reached.
CREATE FUNCTION vaultaire_mark_crossings(
  p_tenant_ids uuid[], p_container_ids bigint[], p_quotas text[], p_used bigint[], p_limits bigint[]
) RETURNS bigint LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  v_crossed bigint;
BEGIN
  DELETE FROM quota_crossings q WHERE NOT EXISTS (
    SELECT 1 FROM unnest(p_tenant_ids, p_container_ids, p_quotas, p_used, p_limits)
      AS s (tenant_id, container_id, quota, used, soft)
    WHERE s.tenant_id = q.tenant_id AND s.container_id = q.container_id AND s.quota = q.quota
      AND s.used > 0 AND s.used::numeric * 100 >= s.soft::numeric * q.percent
  );
  WITH scopes AS (
    SELECT s.* FROM unnest(p_tenant_ids, p_container_ids, p_quotas, p_used, p_limits)
      AS s (tenant_id, container_id, quota, used, soft)
    JOIN tenants t ON t.id = s.tenant_id
  ), crossed AS (
    INSERT INTO quota_crossings (tenant_id, container_id, quota, percent)
    SELECT s.tenant_id, s.container_id, s.quota, share.percent
    FROM scopes s CROSS JOIN (VALUES (80), (90), (100)) AS share (percent)
    WHERE s.used > 0 AND s.used::numeric * 100 >= s.soft::numeric * share.percent
    ON CONFLICT DO NOTHING RETURNING tenant_id, container_id, quota, percent
  )
  INSERT INTO domain_events (kind, tenant_id, container_id, payload)
  SELECT 'quota.threshold', s.tenant_id, nullif(s.container_id, 0), jsonb_build_object(
    'scope', CASE WHEN s.container_id = 0 THEN 'tenant' ELSE 'container' END,
    'quota', s.quota, 'percent', c.percent, 'used', s.used, 'limit', s.soft
  )
  FROM crossed c JOIN scopes s USING (tenant_id, container_id, quota)
  ORDER BY s.tenant_id, s.container_id, s.quota, c.percent;
  GET DIAGNOSTICS v_crossed = ROW_COUNT;
  RETURN v_crossed;
END
$$;
`;

export const DROP_USAGE_FUNCTIONS = `
DROP FUNCTION vaultaire_mark_crossings, vaultaire_sample_usage, vaultaire_add_traffic, vaultaire_correct_usage,
  vaultaire_reconcile_usage, vaultaire_count_scope, vaultaire_deal_usage;
`;

/** After the tables are gone the functions that commit go on, and count nothing. */
export const COUNT_NOTHING = `
CREATE OR REPLACE FUNCTION vaultaire_count_usage(
  p_tenant_id uuid, p_container_id bigint, p_bytes bigint, p_artifacts bigint, p_limits bigint[]
) RETURNS text LANGUAGE sql AS 'SELECT NULL::text';
CREATE OR REPLACE FUNCTION vaultaire_forget_usage(p_container_id bigint, p_tenant_id uuid) RETURNS void
LANGUAGE sql AS 'SELECT';
`;
