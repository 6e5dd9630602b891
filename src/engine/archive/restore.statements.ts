import type { Statement } from '../../database/database';

export const RESTORE: Statement = {
  name: 'restore',
  text: 'SELECT vaultaire_restore($1, $2, $3, $4, $5, $6) AS outcome',
};

/** Blobs of a version that are on drivers: its own, or those of its parts. */
export const BLOBS_OF_VERSION: Statement = {
  name: 'blobs-of-version',
  text: `SELECT b.id, b.tenant_id, b.driver FROM blobs b WHERE b.driver IS NOT NULL AND (
      b.id = $1 OR b.id IN (SELECT m.blob_id FROM manifest_parts m WHERE m.manifest_id = $2))`,
};

/** Of the versions of the keys $2, those for whom a restore was asked. */
export const RESTORES_OF_KEYS: Statement = {
  name: 'restores-of-keys',
  text: `SELECT key, id, is_latest, storage_class, restore FROM artifact_versions
    WHERE container_id = $1 AND key = ANY ($2) AND restore IS NOT NULL`,
};

/** Versions that drivers are restoring, after the one that is named. */
export const RESTORING: Statement = {
  name: 'restoring',
  text: `SELECT container_id, key, id, blob_id, manifest_id, restore FROM artifact_versions
    WHERE restore ? 'days' AND (container_id, key, id) > ($1, $2, $3) ORDER BY container_id, key, id LIMIT $4`,
};

/** The driver has done it: the bytes can be read from now until $5. Not of bytes that were replaced since they were asked for ($4). */
export const RESTORED: Statement = {
  name: 'restored',
  text: `UPDATE artifact_versions SET restore = jsonb_build_object(
      'readyAt', floor(extract(epoch FROM clock_timestamp()) * 1000), 'until', $5::bigint)
    WHERE container_id = $1 AND key = $2 AND id = $3 AND restore = $4::jsonb`,
};
