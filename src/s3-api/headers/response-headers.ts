import type { ArchiveStatus } from '../../engine/archive/archive-status';
import type { ArtifactRead, ArtifactWritten } from '../../engine/artifacts/artifact.types';
import type { QueryParameters } from '../http/s3-request';
import { addChecksumHeaders } from './checksum-headers';
import { toHeaderValue } from './request-header';
import { encodeRfc2047 } from './rfc2047';
import { DEFAULT_STORAGE_CLASS } from './storage-class';

/** Headers of an answer by lower-case name; undefined ones are left out. */
export type ResponseHeaders = Record<string, string | number | undefined>;

export interface ReadHeaderOptions {
  /** `x-amz-checksum-mode: ENABLED`. */
  readonly hasChecksums: boolean;
  /** The client asked for a part by its number. */
  readonly isPart: boolean;
}

const OVERRIDES = [
  ['response-content-type', 'content-type'],
  ['response-cache-control', 'cache-control'],
  ['response-content-disposition', 'content-disposition'],
  ['response-content-encoding', 'content-encoding'],
  ['response-content-language', 'content-language'],
  ['response-expires', 'expires'],
] as const;

/** Headers of GetObject and HeadObject, `Content-Length` included. */
export function readHeaders(read: ArtifactRead, options: ReadHeaderOptions): ResponseHeaders {
  const { stat, range } = read;
  const { headers: content, metadata, storageClass, tags } = stat.attributes;
  const headers: ResponseHeaders = {
    'content-type': content.contentType ?? 'binary/octet-stream',
    'content-length': read.lengthBytes,
    etag: `"${stat.etag}"`,
    'last-modified': stat.lastModified.toUTCString(),
    'accept-ranges': 'bytes',
  };
  if (range !== undefined) {
    headers['content-range'] = `bytes ${range.start}-${range.end}/${stat.sizeBytes}`;
  } else if (options.isPart && stat.sizeBytes > 0) {
    headers['content-range'] = `bytes 0-${stat.sizeBytes - 1}/${stat.sizeBytes}`;
  }
  if (stat.versionId !== undefined) headers['x-amz-version-id'] = stat.versionId;
  if (storageClass !== DEFAULT_STORAGE_CLASS) headers['x-amz-storage-class'] = storageClass;
  if (stat.archive?.restore !== undefined) headers['x-amz-restore'] = restoreText(stat.archive.restore);
  if (content.cacheControl !== undefined) headers['cache-control'] = content.cacheControl;
  if (content.contentDisposition !== undefined) headers['content-disposition'] = content.contentDisposition;
  if (content.contentEncoding !== undefined) headers['content-encoding'] = content.contentEncoding;
  if (content.contentLanguage !== undefined) headers['content-language'] = content.contentLanguage;
  if (content.expires !== undefined) headers.expires = content.expires;
  if (content.websiteRedirectLocation !== undefined) {
    headers['x-amz-website-redirect-location'] = content.websiteRedirectLocation;
  }
  for (const name in metadata) headers[`x-amz-meta-${name}`] = encodeRfc2047(metadata[name] ?? '');
  let tagCount = 0;
  for (const _ in tags) tagCount++;
  if (tagCount > 0) headers['x-amz-tagging-count'] = tagCount;
  if (options.isPart && stat.partCount !== undefined) headers['x-amz-mp-parts-count'] = stat.partCount;
  if (options.hasChecksums) {
    if (options.isPart) addChecksumHeaders(headers, stat.partCount === undefined ? stat.checksum : read.partChecksum);
    else if (range === undefined) addChecksumHeaders(headers, stat.checksum);
  }
  return headers;
}

function restoreText(restore: NonNullable<ArchiveStatus['restore']>): string {
  if (restore.isOngoing) return 'ongoing-request="true"';
  return `ongoing-request="false", expiry-date="${restore.expiresAt.toUTCString()}"`;
}

/**
 * Lets `response-content-type` and its kin in the query replace headers of a GET or HEAD. Throws `InvalidArgument` for a
 * value that can't stand in a header.
 */
export function applyOverrides(headers: ResponseHeaders, rawQuery: string, query: QueryParameters): void {
  if (rawQuery === '' || !rawQuery.includes('response-')) return;
  for (const [parameter, header] of OVERRIDES) {
    const value = query.get(parameter);
    if (value !== undefined) headers[header] = toHeaderValue(value, parameter);
  }
}

/** Headers of a write's answer: ETag, version, and always the checksum that was stored. */
export function writtenHeaders(written: ArtifactWritten): ResponseHeaders {
  const headers: ResponseHeaders = { etag: `"${written.etag}"` };
  const versionId = newVersionId(written.versionId);
  if (versionId !== undefined) headers['x-amz-version-id'] = versionId;
  addChecksumHeaders(headers, written.checksum);
  return headers;
}

/** The version id that a write is answered with: only one that was made for it, which `null` is not (versioning suspended). */
export function newVersionId(versionId: string | undefined): string | undefined {
  return versionId === 'null' ? undefined : versionId;
}
