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

/** Live blobs that a driver holds, or is to hold, after the id $2. */
export const BLOBS_ON_DRIVER: Statement = {
  name: 'blobs_on_driver',
  text: `(SELECT id, tenant_id, size_bytes, md5, placement, driver AS first_driver, 'live' AS state FROM blobs
      WHERE driver = $1 AND state = 'live' AND id > $2 ORDER BY id LIMIT $3)
    UNION ALL (
      SELECT b.id, b.tenant_id, b.size_bytes, b.md5, b.placement, b.driver, r.state
      FROM blob_replicas r JOIN blobs b ON b.id = r.blob_id
      WHERE r.driver = $1 AND r.state <> 'doomed' AND b.state = 'live' AND r.blob_id > $2 ORDER BY r.blob_id LIMIT $3)
    ORDER BY id LIMIT $3`,
};

export const COUNT_ON_DRIVER: Statement = {
  name: 'count_on_driver',
  text: `SELECT count(*)::integer AS blobs, coalesce(sum(size_bytes), 0)::bigint AS bytes FROM (
      SELECT size_bytes FROM blobs WHERE driver = $1 AND state = 'live'
      UNION ALL
      SELECT b.size_bytes FROM blob_replicas r JOIN blobs b ON b.id = r.blob_id
      WHERE r.driver = $1 AND r.state <> 'doomed' AND b.state = 'live'
    ) held`,
};

/** Writes under way, by processes that live. */
export const COUNT_WRITING: Statement = {
  name: 'count_writing_on_driver',
  text: `SELECT count(*)::integer AS count FROM blobs b WHERE b.state = 'writing'
    AND b.writer IN (SELECT instance_id FROM vaultaire_live_instances())
    AND (b.driver = $1 OR EXISTS (SELECT 1 FROM blob_replicas r WHERE r.blob_id = b.id AND r.driver = $1))`,
};

/** Begins a copy of the live blob $1 on the driver $2, unless there is one or somebody else is making it. */
export const CLAIM_NEW_REPLICA: Statement = {
  name: 'claim_new_replica',
  text: `INSERT INTO blob_replicas (blob_id, driver, tenant_id, state, claimed_by)
    SELECT id, $2, tenant_id, 'pending', $3 FROM blobs WHERE id = $1 AND state = 'live' AND driver <> $2
    ON CONFLICT (blob_id, driver) DO UPDATE
      SET state = 'pending', claimed_by = $3, since = clock_timestamp(), due_at = clock_timestamp()
      WHERE blob_replicas.state <> 'live' AND (blob_replicas.claimed_by IS NULL
        OR blob_replicas.claimed_by NOT IN (SELECT instance_id FROM vaultaire_live_instances()))
    RETURNING blob_id`,
};

export const LOCK_LIVE_BLOB: Statement = {
  name: 'lock_live_blob',
  text: `SELECT driver, tenant_id FROM blobs WHERE id = $1 AND state = 'live' FOR UPDATE`,
};

export const LIVE_REPLICAS: Statement = {
  name: 'live_replicas',
  text: `SELECT driver FROM blob_replicas WHERE blob_id = $1 AND state = 'live'`,
};

/** The copy on $2, one of those that are not first, is read first from now on, and the one that was, on $3, is removed. */
export const REPLACE_FIRST: Statement = {
  name: 'replace_first_replica',
  text: `WITH moved AS (UPDATE blobs SET driver = $2 WHERE id = $1 RETURNING id, tenant_id),
    gone AS (DELETE FROM blob_replicas r USING moved m WHERE r.blob_id = m.id AND r.driver = $2)
    INSERT INTO blob_replicas (blob_id, driver, tenant_id, state) SELECT id, $3, tenant_id, 'doomed' FROM moved`,
};

export const DOOM_REPLICA: Statement = {
  name: 'doom_replica',
  text: `UPDATE blob_replicas SET state = 'doomed', since = clock_timestamp(), due_at = clock_timestamp(), claimed_by = NULL
    WHERE blob_id = $1 AND driver = $2`,
};

/** The blob $1 belongs to the placement $2 from now on; copies on the drivers $3 are to be made, unless they are there. */
export const SET_PLACEMENT: Statement = {
  name: 'set_placement',
  text: `WITH placed AS (UPDATE blobs SET placement = $2 WHERE id = $1 AND state = 'live' RETURNING id, tenant_id, driver)
    INSERT INTO blob_replicas (blob_id, driver, tenant_id, state)
    SELECT p.id, b.driver, p.tenant_id, 'pending' FROM placed p CROSS JOIN unnest($3::text[]) AS b (driver)
    WHERE b.driver <> p.driver
    ON CONFLICT (blob_id, driver) DO UPDATE SET state = 'pending', since = clock_timestamp(), due_at = clock_timestamp()
      WHERE blob_replicas.state = 'doomed'`,
};

/**
 * Live blobs of the placement $1 with ids after $2 and before $3, which begins with a time: none that was attached, nor, where $5 is a
 * time, one that was read since.
 */
export const BLOBS_OF_PLACEMENT: Statement = {
  name: 'blobs_of_placement',
  text: `SELECT id, tenant_id, size_bytes, md5, placement, driver AS first_driver, 'live' AS state FROM blobs
    WHERE coalesce(placement, 'default') = $1 AND state = 'live' AND driver IS NOT NULL AND id > $2 AND id < $3
      AND NOT EXISTS (SELECT FROM foreign_blobs f WHERE f.blob_id = blobs.id)
      AND NOT EXISTS (SELECT FROM blob_reads r WHERE r.blob_id = blobs.id AND r.read_at >= $5::timestamptz)
    ORDER BY id LIMIT $4`,
};
