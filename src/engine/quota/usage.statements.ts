import type { Statement } from '../../database/database';

export const FIND_TENANT_USAGE: Statement = {
  name: 'find_tenant_usage',
  text: `SELECT u.bytes, u.artifacts,
      (SELECT coalesce(sum(p.size_bytes), 0) FROM containers c
        JOIN multipart_uploads m ON m.container_id = c.id AND m.state = 'open'
        JOIN multipart_parts p ON p.upload_id = m.id WHERE c.tenant_id = $1) AS uploads_bytes,
      (SELECT coalesce(sum(e.bytes), 0) FROM tenant_egress e
        WHERE e.tenant_id = $1 AND e.month = date_trunc('month', now() AT TIME ZONE 'UTC')::date) AS egress_bytes,
      (SELECT count(*) FROM containers c WHERE c.tenant_id = $1) AS containers,
      (SELECT count(*) FROM access_keys k JOIN users o ON o.id = k.user_id
        WHERE o.tenant_id = $1 AND k.state = 'active' AND (k.expires_at IS NULL OR k.expires_at > now())) AS access_keys
    FROM (
      SELECT coalesce(sum(bytes), 0) AS bytes, coalesce(sum(artifacts), 0) AS artifacts
      FROM usage_counters WHERE tenant_id = $1 AND scope = 1
    ) u`,
};

export const FIND_CONTAINER_USAGE: Statement = {
  name: 'find_container_usage',
  text: `SELECT coalesce(sum(u.bytes), 0) AS bytes, coalesce(sum(u.artifacts), 0) AS artifacts
    FROM containers c JOIN usage_counters u ON u.tenant_id = c.tenant_id AND u.scope = 2 AND u.container_id = c.id
    WHERE c.id = $1`,
};

/** container_id 0: of the tenant. The step is `hour` or `day`. */
export const LIST_USAGE_HISTORY: Statement = {
  name: 'list_usage_history',
  text: `SELECT date_trunc($5, hour, 'UTC') AS start,
      (array_agg(bytes ORDER BY hour DESC) FILTER (WHERE bytes IS NOT NULL))[1] AS bytes,
      (array_agg(artifacts ORDER BY hour DESC) FILTER (WHERE artifacts IS NOT NULL))[1] AS artifacts,
      sum(bytes_in) AS bytes_in, sum(bytes_out) AS bytes_out, sum(requests) AS requests
    FROM usage_history WHERE tenant_id = $1 AND container_id = $2 AND hour >= $3 AND hour < $4
    GROUP BY 1 ORDER BY 1`,
};

/** For the rest of the transaction. */
export const LIFT_STATEMENT_TIMEOUT: Statement = {
  name: 'lift_statement_timeout',
  text: `SELECT set_config('statement_timeout', '0', true)`,
};

export const RECONCILE_USAGE: Statement = {
  name: 'reconcile_usage',
  text: 'SELECT * FROM vaultaire_reconcile_usage($1)',
};

/** Scope 1: a tenant, container_id 0. Scope 2: a container. */
export const SUM_USAGE: Statement = {
  name: 'sum_usage',
  text: `SELECT coalesce(sum(bytes), 0) AS bytes, coalesce(sum(artifacts), 0) AS artifacts
    FROM usage_counters WHERE tenant_id = $1 AND scope = CASE WHEN $2::bigint = 0 THEN 1 ELSE 2 END AND container_id = $2`,
};

/** All of one moment: what the tenant and the container hold, and what a write would take the place of. */
const weighWrite = (name: string, displaced: string): Statement => ({
  name,
  text: `SELECT t.bytes AS tenant_bytes, t.artifacts AS tenant_artifacts, i.bytes, i.artifacts,
      coalesce(d.bytes, 0) AS displaced_bytes, coalesce(d.artifacts, 0) AS displaced_artifacts
    FROM (SELECT coalesce(sum(bytes), 0) AS bytes, coalesce(sum(artifacts), 0) AS artifacts
        FROM usage_counters WHERE tenant_id = $1 AND scope = 1) t
      CROSS JOIN (SELECT coalesce(sum(bytes), 0) AS bytes, coalesce(sum(artifacts), 0) AS artifacts
        FROM usage_counters WHERE tenant_id = $1 AND scope = 2 AND container_id = $2) i
      LEFT JOIN (${displaced}) d ON true`,
});

/** $3: a key. */
export const WEIGH_VERSION = weighWrite(
  'weigh_version',
  `SELECT v.size_bytes AS bytes, CASE WHEN v.is_delete_marker THEN 0 ELSE 1 END AS artifacts
    FROM artifact_versions v JOIN containers c ON c.id = v.container_id
    WHERE v.container_id = $2 AND v.key = $3 AND v.is_null_version AND c.versioning <> 'enabled'`,
);

/** $3: an upload; $4: the number of a part. */
export const WEIGH_PART = weighWrite(
  'weigh_part',
  `SELECT p.size_bytes AS bytes, 0 AS artifacts FROM multipart_parts p WHERE p.upload_id = $3 AND p.part_number = $4`,
);

export const FIND_EGRESS: Statement = {
  name: 'find_egress',
  text: `SELECT coalesce(sum(bytes), 0) AS bytes FROM tenant_egress
    WHERE tenant_id = $1 AND month = date_trunc('month', now() AT TIME ZONE 'UTC')::date`,
};

export const ADD_TRAFFIC: Statement = {
  name: 'add_traffic',
  text: 'SELECT * FROM vaultaire_add_traffic($1, $2, $3, $4, $5)',
};

export const SAMPLE_USAGE: Statement = { name: 'sample_usage', text: 'SELECT vaultaire_sample_usage() AS was_taken' };
