import type { IncomingHttpHeaders } from 'node:http';
import type { ArtifactAttributes, ContentHeaders } from '../../engine/artifacts/artifact.types';
import { S3Error } from '../errors/s3-error';
import { checkCannedAcl, checkGrantHeader } from './acl-headers';
import { decodeHeaderText, headerOf, invalidArgument, notImplementedHeader } from './request-header';
import { decodeRfc2047 } from './rfc2047';
import { DEFAULT_STORAGE_CLASS } from './storage-class';
import type { Tags } from './tags';
import { emptyTags, parseTaggingHeader } from './tags';

/** Sum of the bytes of all names and values of user metadata. */
const MAX_METADATA_BYTES = 2048;
const METADATA_PREFIX = 'x-amz-meta-';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** What the headers of PutObject, CopyObject or CreateMultipartUpload say of the object to be written. */
export interface WriteHeaders {
  readonly headers: ContentHeaders;
  readonly metadata: Readonly<Record<string, string>>;
  /** Not checked: the engine knows which there are. Undefined: not named. */
  readonly storageClass: string | undefined;
  /** Undefined: no `x-amz-tagging`. */
  readonly tags: Tags | undefined;
}

/**
 * Reads and checks the headers of a write in one pass, before a byte of the body is read. What this server does not
 * serve (server-side encryption, object lock, appends, other ACLs than the owner's) is refused.
 *
 * Throws `MetadataTooLarge`, `InvalidTag`, `InvalidArgument`, `InvalidRequest`,
 * `AccessControlListNotSupported`, `InvalidRedirectLocation`, `NotImplemented`.
 */
export function readWriteHeaders(incoming: IncomingHttpHeaders, ownerCanonicalId: string): WriteHeaders {
  const headers: Writable<ContentHeaders> = {};
  let metadata: Record<string, string> | undefined;
  let metadataBytes = 0;
  let storageClass: string | undefined;
  let tags: Tags | undefined;

  for (const name in incoming) {
    const value = headerOf(incoming, name);
    if (value === undefined) continue;
    if (!name.startsWith('x-amz-')) {
      readContentHeader(headers, name, value);
      continue;
    }
    if (name.startsWith(METADATA_PREFIX)) {
      const key = name.slice(METADATA_PREFIX.length);
      if (key === '') throw invalidArgument('The metadata name is empty.', name, value);
      const text = decodeRfc2047(decodeHeaderText(value));
      metadataBytes += key.length + Buffer.byteLength(text);
      metadata ??= Object.create(null) as Record<string, string>;
      metadata[key] = text;
      continue;
    }
    switch (name) {
      case 'x-amz-storage-class':
        storageClass = value;
        break;
      case 'x-amz-tagging':
        tags = parseTaggingHeader(value);
        break;
      case 'x-amz-acl':
        checkCannedAcl(value);
        break;
      case 'x-amz-website-redirect-location':
        headers.websiteRedirectLocation = checkRedirect(value);
        break;
      case 'x-amz-write-offset-bytes':
        throw notImplementedHeader(name, 'Appending to an object is not supported.');
      default:
        if (name.startsWith('x-amz-grant-')) checkGrantHeader(name, value, ownerCanonicalId);
        else if (name.startsWith('x-amz-object-lock-')) throw lockRefused();
        else if (name.startsWith('x-amz-server-side-encryption')) throw encryptionRefused(name, value);
        else if (name.startsWith('x-amz-copy-source-server-side-encryption')) throw encryptionRefused(name, value);
    }
  }

  if (metadataBytes > MAX_METADATA_BYTES) {
    throw new S3Error('MetadataTooLarge', {
      fields: { Size: String(metadataBytes), MaxSizeAllowed: String(MAX_METADATA_BYTES) },
    });
  }
  return { headers, metadata: metadata ?? NO_METADATA, storageClass, tags };
}

/** The attributes of an object that is written from a request's body. */
export function toAttributes(write: WriteHeaders): ArtifactAttributes {
  return {
    headers: write.headers,
    metadata: write.metadata,
    storageClass: write.storageClass ?? DEFAULT_STORAGE_CLASS,
    tags: write.tags ?? NO_TAGS,
  };
}

/**
 * `Content-Encoding` without the `aws-chunked` that belongs to the transfer, not to the object; undefined when nothing is
 * left. What stays keeps its spelling.
 */
export function stripAwsChunked(value: string): string | undefined {
  if (!value.includes('aws-chunked')) return value;
  const kept = value
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding !== 'aws-chunked');
  return kept.length === 0 ? undefined : kept.join(', ');
}

/**
 * Refuses customer keys on a read: no object here is encrypted with one. Throws `InvalidRequest`, as AWS does for an
 * object that was stored without.
 */
export function refuseCustomerKey(headers: IncomingHttpHeaders): void {
  if (headers['x-amz-server-side-encryption-customer-algorithm'] === undefined) return;
  throw new S3Error('InvalidRequest', {
    message: 'The encryption parameters are not applicable to this object.',
  });
}

const NO_METADATA: Readonly<Record<string, string>> = Object.freeze(Object.create(null) as Record<string, string>);
const NO_TAGS: Tags = Object.freeze(emptyTags());

function readContentHeader(headers: Writable<ContentHeaders>, name: string, value: string): void {
  switch (name) {
    case 'content-type':
      if (value !== '') headers.contentType = value;
      break;
    case 'cache-control':
      headers.cacheControl = value;
      break;
    case 'content-disposition':
      headers.contentDisposition = value;
      break;
    case 'content-encoding': {
      const encoding = stripAwsChunked(value);
      if (encoding !== undefined && encoding !== '') headers.contentEncoding = encoding;
      break;
    }
    case 'content-language':
      headers.contentLanguage = value;
      break;
    case 'expires':
      headers.expires = value;
      break;
  }
}

function checkRedirect(value: string): string {
  if (value.startsWith('/') || value.startsWith('http://') || value.startsWith('https://')) return value;
  throw new S3Error('InvalidRedirectLocation', {
    message: "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.",
  });
}

function lockRefused(): S3Error {
  return new S3Error('InvalidRequest', { message: 'Bucket is missing Object Lock Configuration' });
}

function encryptionRefused(name: string, value: string): S3Error {
  if (name === 'x-amz-server-side-encryption' && value !== 'AES256' && !value.startsWith('aws:')) {
    return invalidArgument('The encryption method specified is not supported', name, value);
  }
  return notImplementedHeader(name, 'Server-side encryption is not supported by this endpoint.');
}
