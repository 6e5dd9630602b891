import type { Statement } from '../../database/database';

const UPLOAD_COLUMNS = `id, key, state, owner_id, content_type, storage_class, checksum_algorithm, checksum_type,
  is_checksum_requested, initiated_at, result`;

export const CREATE_UPLOAD: Statement = {
  name: 'create_upload',
  text: `SELECT vaultaire_create_upload($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) AS outcome`,
};

export const FIND_UPLOAD: Statement = {
  name: 'find_upload',
  text: `SELECT ${UPLOAD_COLUMNS} FROM multipart_uploads WHERE id = $1 AND container_id = $2 AND key = $3`,
};

export const COMMIT_PART: Statement = {
  name: 'commit_part',
  text: 'SELECT * FROM vaultaire_commit_part($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)',
};

export const LOAD_PARTS: Statement = {
  name: 'load_parts',
  text: `SELECT part_number, blob_id, size_bytes, etag, checksum_value, created_at FROM multipart_parts
    WHERE upload_id = $1 AND part_number > $2 ORDER BY part_number LIMIT $3`,
};

export const COMPLETE_UPLOAD: Statement = {
  name: 'complete_upload',
  text: 'SELECT * FROM vaultaire_complete_upload($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)',
};

export const ABORT_UPLOAD: Statement = {
  name: 'abort_upload',
  text: 'SELECT vaultaire_abort_upload($1) AS outcome',
};

/** Above a marker of key and upload id; an empty id means that the whole key was listed already. */
export const LIST_UPLOADS: Statement = {
  name: 'list_uploads',
  text: `SELECT ${UPLOAD_COLUMNS} FROM multipart_uploads
    WHERE container_id = $1 AND state = 'open' AND key >= $2 AND key < $3
      AND (key > $4 OR (key = $4 AND $5::uuid IS NOT NULL AND id > $5::uuid))
    ORDER BY key, id LIMIT $6`,
};
