import { createHash } from 'node:crypto';
import type { BlobKey, TenantId } from '../../context/ids';
import { isBlobName } from '../driver-keys';
import { DriverError } from '../driver.errors';

/** Of a path with its folders, before it is percent-encoded, and of one name in it. */
const MAX_PATH_CHARS = 400;
const MAX_NAME_CHARS = 255;
const SHARD_DIGITS = 2;

/**
 * Where blobs are on a drive: `<folder>/t-<tenant>/<2 hexadecimal digits>/b-<blob>`, the digits from the SHA-256 of the key. Folders
 * of more than some thousand files are slow there.
 *
 * OneDrive does not tell upper from lower case, and reserves names such as `con` and `_vti_`
 * (https://support.microsoft.com/office/64883a5d-228e-48f5-b3d2-eb39e07630fa). So capital letters and `_` are written as `!` and the
 * small letter or `_`, and each name has a letter and a dash before it.
 *
 * @throws DriverError `Unsupported` for a path too long for OneDrive, which those of UUIDs never are
 */
export function itemPathOf(folder: string, tenant: TenantId, key: BlobKey, name: string): string {
  const shard = createHash('sha256').update(key).digest('hex').slice(0, SHARD_DIGITS);
  const fileName = `b-${escapeName(name)}`;
  const path = `${tenantFolderOf(folder, tenant)}/${shard}/${fileName}`;
  if (path.length > MAX_PATH_CHARS || fileName.length > MAX_NAME_CHARS)
    throw new DriverError('Unsupported', 'the key is too long for OneDrive');
  return path;
}

/** The folder with all blobs of a tenant. */
export function tenantFolderOf(folder: string, tenant: TenantId): string {
  return `${folder}/t-${escapeName(tenant)}`;
}

/** True for the folders that {@link itemPathOf} puts blobs into. */
export function isShard(name: string): boolean {
  return /^[0-9a-f]{2}$/.test(name);
}

/** The name of the blob in a file; undefined for a file that holds none. */
export function blobNameOfFile(fileName: string): string | undefined {
  if (!/^b-(?:[0-9a-z-]|![a-z_])+$/.test(fileName)) return undefined;
  const name = fileName.slice(2).replaceAll(/!([a-z_])/g, (_, char: string) => char.toUpperCase());
  return isBlobName(name) ? name : undefined;
}

function escapeName(name: string): string {
  return name.replaceAll(/[A-Z_]/g, (char) => `!${char.toLowerCase()}`);
}
