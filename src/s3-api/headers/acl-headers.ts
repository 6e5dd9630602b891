import type { IncomingHttpHeaders } from 'node:http';
import { S3Error } from '../errors/s3-error';
import { headerOf, invalidArgument } from './request-header';

const CANNED_ACLS: ReadonlySet<string> = new Set([
  'private',
  'public-read',
  'public-read-write',
  'authenticated-read',
  'aws-exec-read',
  'log-delivery-write',
  'bucket-owner-read',
  'bucket-owner-full-control',
]);

/** Headers that grant a permission to somebody. */
export const GRANT_HEADERS = [
  'x-amz-grant-full-control',
  'x-amz-grant-read',
  'x-amz-grant-read-acp',
  'x-amz-grant-write',
  'x-amz-grant-write-acp',
] as const;

/**
 * Checks `x-amz-acl` of a bucket or an object. Only those that grant nothing beyond the owner's full control are taken,
 * since ACLs are disabled (BucketOwnerEnforced). Throws `AccessControlListNotSupported`, or `InvalidArgument` for a name
 * that S3 doesn't know.
 */
export function checkCannedAcl(value: string): void {
  if (value === 'private' || value === 'bucket-owner-full-control') return;
  if (CANNED_ACLS.has(value)) throw new S3Error('AccessControlListNotSupported');
  throw invalidArgument('The canned ACL is not one that S3 defines.', 'x-amz-acl', value);
}

/**
 * Checks one `x-amz-grant-*` header: only the owner's own full control is taken (`id="<canonical id>"`). Throws
 * `AccessControlListNotSupported`.
 */
export function checkGrantHeader(name: string, value: string, ownerCanonicalId: string): void {
  const isOwner = /^\s*id\s*=\s*"?([^",\s]+)"?\s*$/.exec(value)?.[1] === ownerCanonicalId;
  if (name !== 'x-amz-grant-full-control' || !isOwner) throw new S3Error('AccessControlListNotSupported');
}

/** All ACL headers of a request that isn't a write of object bytes. True when there was any. */
export function checkAclHeaders(headers: IncomingHttpHeaders, ownerCanonicalId: string): boolean {
  let hasAny = false;
  const canned = headerOf(headers, 'x-amz-acl');
  if (canned !== undefined) {
    hasAny = true;
    checkCannedAcl(canned);
  }
  for (const name of GRANT_HEADERS) {
    const value = headerOf(headers, name);
    if (value === undefined) continue;
    hasAny = true;
    checkGrantHeader(name, value, ownerCanonicalId);
  }
  return hasAny;
}
