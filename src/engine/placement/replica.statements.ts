import type { Statement } from '../../database/database';

/**
 * The intent of a write to several drivers, or with backups to come: see `INTEND_BLOB`. $6: the drivers besides the first, and
 * those of backups.
 */
export const INTEND_REPLICAS: Statement = {
  name: 'intend_replicas',
  text: `WITH relaxed AS (SELECT set_config('synchronous_commit', 'off', true)),
    blob AS (
      INSERT INTO blobs (id, tenant_id, driver, writer, placement, state)
      SELECT $1, $2, $3, $4, $5, 'writing' FROM relaxed
    )
    INSERT INTO blob_replicas (blob_id, tenant_id, driver, state)
    SELECT $1, $2, r.driver, 'pending' FROM unnest($6::text[]) AS r (driver)`,
};

/** A driver that was not meant to get the bytes of a write takes the place of one that failed. */
export const ADOPT_SPARE: Statement = {
  name: 'adopt_spare',
  text: `INSERT INTO blob_replicas (blob_id, tenant_id, driver, state)
    SELECT id, tenant_id, $2, 'pending' FROM blobs WHERE id = $1 AND state = 'writing' ON CONFLICT DO NOTHING`,
};

export const SETTLE_REPLICAS: Statement = {
  name: 'settle_replicas',
  text: 'SELECT vaultaire_settle_replicas($1, $2, $3, $4)',
};

/** Every copy of a live blob that may be whole, the one to read first included. */
export const FIND_REPLICAS: Statement = {
  name: 'find_replicas',
  text: `SELECT b.driver, 'live' AS state, b.size_bytes, b.md5 FROM blobs b WHERE b.id = $1 AND b.driver IS NOT NULL
    UNION ALL
    SELECT r.driver, r.state, b.size_bytes, b.md5 FROM blob_replicas r JOIN blobs b ON b.id = r.blob_id
    WHERE r.blob_id = $1 AND r.state IN ('live', 'pending')`,
};

export const MARK_REPLICA: Statement = {
  name: 'mark_replica',
  text: 'SELECT vaultaire_mark_replica($1, $2, $3) AS is_marked',
};

/** Copies that somebody should make now, claimed for the process $1: at most $2, for the drivers $3. */
export const CLAIM_REPLICAS: Statement = {
  name: 'claim_replicas',
  text: `WITH wanted AS (
      SELECT r.blob_id, r.driver, r.state, r.tenant_id, b.size_bytes, b.md5, b.driver AS first_driver
      FROM blob_replicas r JOIN blobs b ON b.id = r.blob_id
      WHERE r.state IN ('pending', 'missing', 'corrupt') AND r.due_at <= clock_timestamp() AND b.state = 'live'
        AND r.driver = ANY ($3)
        AND (r.claimed_by IS NULL OR r.claimed_by NOT IN (SELECT instance_id FROM vaultaire_live_instances()))
      ORDER BY r.due_at LIMIT $2 FOR UPDATE OF r SKIP LOCKED
    )
    UPDATE blob_replicas r SET claimed_by = $1 FROM wanted w WHERE r.blob_id = w.blob_id AND r.driver = w.driver
    RETURNING w.*`,
};

/** A copy was made: see `vaultaire_replica_made`. */
export const REPLICA_MADE: Statement = {
  name: 'replica_made',
  text: 'SELECT vaultaire_replica_made($1, $2, $3, $4) AS is_wanted',
};

/** A copy could not be made. Tried again after 5 seconds, then after twice as long each time, 10 minutes at most. */
export const REPLICA_FAILED: Statement = {
  name: 'replica_failed',
  text: `UPDATE blob_replicas SET claimed_by = NULL, attempts = attempts + 1, error = $4,
      due_at = clock_timestamp() + least(interval '10 minutes', interval '5 seconds' * power(2, least(attempts, 10)))
    WHERE blob_id = $1 AND driver = $2 AND claimed_by = $3`,
};
