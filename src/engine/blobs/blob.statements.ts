import type { Statement } from '../../database/database';

/**
 * The intent of a write. It commits asynchronously: were it lost in a crash of PostgreSQL, the commit of the artifact
 * finds no row and refuses, and reconcile finds the bytes.
 */
export const INTEND_BLOB: Statement = {
  name: 'intend_blob',
  text: `WITH relaxed AS (SELECT set_config('synchronous_commit', 'off', true))
    INSERT INTO blobs (id, tenant_id, driver, writer, placement, state)
    SELECT $1, $2, $3, $4, $5, 'writing' FROM relaxed`,
};

/** Withdraws a blob that was not committed; one that was committed after all stays. */
export const DISCARD_BLOB: Statement = {
  name: 'discard_blob',
  text: `UPDATE blobs SET state = 'doomed', doomed_at = clock_timestamp(), ref_count = 0
    WHERE id = $1 AND state = 'writing'`,
};

export const FIND_INLINE_BODY: Statement = {
  name: 'find_inline_body',
  text: `SELECT inline_body FROM blobs WHERE id = $1 AND driver IS NULL`,
};

/** The parts of a manifest that a byte range touches, in order. */
export const FIND_MANIFEST_PARTS: Statement = {
  name: 'find_manifest_parts',
  text: `SELECT m.part_number, m.blob_id, m.start_byte, m.size_bytes, b.driver
    FROM manifest_parts m LEFT JOIN blobs b ON b.id = m.blob_id
    WHERE m.manifest_id = $1 AND m.start_byte + m.size_bytes > $2 AND m.start_byte <= $3 AND m.size_bytes > 0
    ORDER BY m.part_number`,
};
