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
