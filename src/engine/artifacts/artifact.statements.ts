import type { Statement } from '../../database/database';

const COLUMNS = `v.id, v.is_null_version, v.is_delete_marker, v.size_bytes, v.etag, v.checksum_algorithm,
  v.checksum_type, v.checksum_value, v.content_type, v.headers, v.metadata, v.tags, v.storage_class, v.owner_id,
  v.blob_id, v.manifest_id, v.part_count, v.created_at, v.restore`;

const find = (name: string, columns: string, join: string, selector: string): Statement => ({
  name,
  text: `SELECT ${columns} FROM artifact_versions v ${join}
    WHERE v.container_id = $1 AND v.key = $2 ${selector} ORDER BY v.id DESC LIMIT 1`,
});

/** With every column NULL where the caller holds the row already. */
const unlessKnown = (columns: string): string =>
  columns
    .split(',')
    .map((column) => `CASE WHEN k.is_known THEN NULL ELSE ${column.trim()} END AS ${column.trim().slice(2)}`)
    .join(', ');

/**
 * The latest versions of many keys, by the index alone; for `VersionFinder`. `$3`: the state in which the caller knows each, or
 * NULL. A row's `state` changes with every change of it: PostgreSQL writes the transaction into it as `xmin`.
 */
const findMany = (name: string, columns: string, join: string): Statement => ({
  name,
  text: `SELECT q.ordinal, k.state, ${unlessKnown(columns)}
    FROM unnest($1::bigint[], $2::text[], $3::text[]) WITH ORDINALITY AS q (container_id, key, known, ordinal)
    CROSS JOIN LATERAL (
      SELECT l.*, l.id::text || '-' || l.xmin::text AS state FROM artifact_versions l
      WHERE l.container_id = q.container_id AND l.key = q.key COLLATE "C" ORDER BY l.id DESC LIMIT 1
    ) v
    CROSS JOIN LATERAL (SELECT v.state, v.state IS NOT DISTINCT FROM q.known AS is_known) k
    ${join}`,
});

/** The rows of a version, by how the client named it, without and with the bytes of an inline blob. */
export const FIND_VERSION = {
  latest: findMany('find_latest', COLUMNS, ''),
  null: find('find_null_version', COLUMNS, '', 'AND v.is_null_version'),
  id: find('find_version', COLUMNS, '', 'AND v.id = $3 AND NOT v.is_null_version'),
} as const;

const WITH_BLOB = `${COLUMNS}, b.driver, b.placement, b.inline_body`;
const JOIN_BLOB = 'LEFT JOIN blobs b ON b.id = v.blob_id';
const JOIN_UNKNOWN_BLOB = `${JOIN_BLOB} AND NOT k.is_known`;

export const READ_VERSION = {
  latest: findMany('read_latest', WITH_BLOB, JOIN_UNKNOWN_BLOB),
  null: find('read_null_version', WITH_BLOB, JOIN_BLOB, 'AND v.is_null_version'),
  id: find('read_version', WITH_BLOB, JOIN_BLOB, 'AND v.id = $3 AND NOT v.is_null_version'),
} as const;

export const COMMIT_ARTIFACT: Statement = {
  name: 'commit_artifact',
  text: `SELECT * FROM vaultaire_commit_artifact($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
    $17, $18, $19, $20, $21, $22, $23, p_origin => $24)`,
};

export const DELETE_ARTIFACT: Statement = {
  name: 'delete_artifact',
  text: 'SELECT * FROM vaultaire_delete_artifact($1, $2, $3, $4, $5, $6, $7, $8, $9)',
};

export const DELETE_ARTIFACTS: Statement = {
  name: 'delete_artifacts',
  text: 'SELECT * FROM vaultaire_delete_artifacts($1, $2, $3, $4, $5, $6, $7, $8, $9)',
};

export const SET_TAGS: Statement = {
  name: 'set_artifact_tags',
  text: 'SELECT vaultaire_set_tags($1, $2, $3, $4, $5)',
};

export const LIST_MANIFEST_PARTS: Statement = {
  name: 'list_manifest_parts',
  text: `SELECT part_number, size_bytes, etag, checksum_value FROM manifest_parts
    WHERE manifest_id = $1 AND part_number > $2 ORDER BY part_number LIMIT $3`,
};

export const FIND_MANIFEST_PART: Statement = {
  name: 'find_manifest_part',
  text: `SELECT start_byte, size_bytes, checksum_value FROM manifest_parts WHERE manifest_id = $1 AND part_number = $2`,
};
