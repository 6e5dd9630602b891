import { blobId, blobKey } from '../context/ids';
import type { BlobKey, TenantId } from '../context/ids';
import type { OperationContext } from '../context/operation-context';
import { DriverError } from './driver.errors';

/** Longest tenant id or blob name that a driver accepts, in characters. UUIDs have 36. */
const MAX_SEGMENT_CHARS = 128;

/**
 * The blob's name within the tenant of `ctx`: the last of the three segments of `tenant/<tenantId>/<name>`.
 *
 * The one check of keys, which every driver method calls before it touches its backend. Segments consist of letters,
 * digits, `-` and `_` only: no key can leave its tenant's folder, meet a reserved name, or mean two things on two backends.
 *
 * Throws `PermissionDenied`.
 */
export function blobNameOf(ctx: OperationContext, key: BlobKey): string {
  const prefix = tenantPrefix(ctx.tenantId);
  if (!key.startsWith(prefix) || !isSegment(key, prefix.length)) throw refused();
  return key.slice(prefix.length);
}

/** What every key of `tenant` begins with. Throws `PermissionDenied` for an id that is no plain segment. */
export function tenantPrefix(tenant: TenantId): string {
  if (!isSegment(tenant, 0)) throw refused();
  return `tenant/${tenant}/`;
}

/** True for a name that {@link blobNameOf} could have returned; other names in a backend are not blobs. */
export function isBlobName(name: string): boolean {
  return isSegment(name, 0);
}

/** The key of a name that {@link blobNameOf} returned. */
export function keyOfBlobName(tenant: TenantId, name: string): BlobKey {
  return blobKey(tenant, blobId(name));
}

function isSegment(text: string, from: number): boolean {
  const length = text.length - from;
  if (length < 1 || length > MAX_SEGMENT_CHARS) return false;
  for (let index = from; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    const isLetter = (code >= 97 && code <= 122) || (code >= 65 && code <= 90);
    const isDigit = code >= 48 && code <= 57;
    if (!isLetter && !isDigit && code !== 45 && code !== 95) return false;
  }
  return true;
}

// The key itself stays out of the message: it may belong to another tenant.
function refused(): DriverError {
  return new DriverError('PermissionDenied', 'the blob key is not one of the tenant that asks');
}
