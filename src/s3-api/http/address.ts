import { isIP } from 'node:net';
import type { ArtifactKey, ContainerName } from '../../context/ids';
import { artifactKey, containerName } from '../../context/ids';
import { S3Error } from '../errors/s3-error';
import type { S3Resource } from '../operations/operation.types';
import { encodeRawBytes, percentDecode } from './percent-decoding';

/** Longest key in bytes of UTF-8. */
export const MAX_KEY_BYTES = 1024;
/** No bucket was ever allowed a longer name (us-east-1 before March 2018). */
const MAX_BUCKET_NAME_LENGTH = 255;
/** Every key of fewer UTF-16 units fits: a unit takes at most three bytes. */
const SURELY_SHORT_LENGTH = Math.floor(MAX_KEY_BYTES / 3);

/** A request target split into its raw parts. */
export interface RequestTarget {
  readonly rawPath: string;
  readonly rawQuery: string;
  /** Host of an absolute-form target; it takes precedence over the Host header (RFC 9112, 3.2.2). */
  readonly authority: string | undefined;
}

/** What a request addresses. */
export interface S3Address {
  readonly resource: S3Resource;
  readonly bucket: ContainerName | undefined;
  readonly key: ArtifactKey | undefined;
  /** Name of the tenant whose the bucket is, from `tenant:bucket`; undefined: the caller's. */
  readonly tenant: string | undefined;
  readonly isVirtualHosted: boolean;
}

/** Throws `InvalidURI` for a target that is neither a path nor an absolute http(s) URI. */
export function splitTarget(target: string): RequestTarget {
  let path = target;
  let authority: string | undefined;
  if (!target.startsWith('/')) {
    const match = /^https?:\/\/([^/?#]*)([^#]*)/i.exec(target);
    if (match === null) throw new S3Error('InvalidURI', { fields: { URI: target } });
    authority = match[1];
    path = match[2]?.startsWith('/') === true ? match[2] : `/${match[2] ?? ''}`;
  }
  const question = path.indexOf('?');
  if (question === -1) return { rawPath: encodeRawBytes(path), rawQuery: '', authority };
  return {
    rawPath: encodeRawBytes(path.slice(0, question)),
    rawQuery: encodeRawBytes(path.slice(question + 1)),
    authority,
  };
}

/** Finds bucket and key in path and host name; keys are taken as they are and never normalised. */
export class AddressParser {
  private readonly suffixes: readonly string[];

  /** `domains`: host names under which buckets are addressed as the left-most labels. */
  constructor(domains: readonly string[]) {
    this.suffixes = domains.map((domain) => `.${domain.toLowerCase()}`);
  }

  /**
   * Throws `InvalidURI` (percent-encoding, UTF-8), `InvalidBucketName`, `KeyTooLongError`, and `InvalidArgument` for a key
   * with a NUL character, which PostgreSQL cannot hold.
   */
  parse(rawPath: string, host: string | undefined): S3Address {
    const hostBucket = host === undefined || this.suffixes.length === 0 ? undefined : this.bucketOfHost(host);
    if (hostBucket !== undefined) return addressOf(hostBucket, rawPath.slice(1), true);
    if (rawPath === '/')
      return { resource: 'service', bucket: undefined, key: undefined, tenant: undefined, isVirtualHosted: false };
    const slash = rawPath.indexOf('/', 1);
    if (slash === -1) return addressOf(percentDecode(rawPath.slice(1)), '', false);
    return addressOf(percentDecode(rawPath.slice(1, slash)), rawPath.slice(slash + 1), false);
  }

  private bucketOfHost(host: string): string | undefined {
    const name = withoutPort(host).toLowerCase();
    if (isIP(name) !== 0) return undefined;
    for (const suffix of this.suffixes) {
      if (name.length > suffix.length && name.endsWith(suffix)) return name.slice(0, -suffix.length);
    }
    return undefined;
  }
}

function withoutPort(host: string): string {
  const colon = host.lastIndexOf(':');
  return colon === -1 || host.endsWith(']') ? host : host.slice(0, colon);
}

function addressOf(name: string, rawKey: string, isVirtualHosted: boolean): S3Address {
  const { tenant, bucket } = splitBucketName(name);
  if (bucket === '' || tenant === '' || bucket.length > MAX_BUCKET_NAME_LENGTH || /[\0/:]/.test(bucket)) {
    throw new S3Error('InvalidBucketName', { fields: { BucketName: name } });
  }
  if (rawKey === '')
    return { resource: 'bucket', bucket: containerName(bucket), key: undefined, tenant, isVirtualHosted };
  return { resource: 'object', bucket: containerName(bucket), key: parseKey(rawKey), tenant, isVirtualHosted };
}

/** Takes `tenant:bucket` apart; no bucket's own name has a colon. */
export function splitBucketName(name: string): { readonly tenant: string | undefined; readonly bucket: string } {
  const colon = name.indexOf(':');
  return colon === -1
    ? { tenant: undefined, bucket: name }
    : { tenant: name.slice(0, colon), bucket: name.slice(colon + 1) };
}

/**
 * The key that a percent-encoded path stands for. Throws `InvalidURI`, and as {@link checkedKey} does.
 */
export function parseKey(rawKey: string): ArtifactKey {
  return checkedKey(percentDecode(rawKey));
}

/** A key that may be one, decoded. Throws `KeyTooLongError` and, for a NUL character, `InvalidArgument`. */
export function checkedKey(key: string): ArtifactKey {
  if (key.length > SURELY_SHORT_LENGTH) {
    const size = Buffer.byteLength(key);
    if (size > MAX_KEY_BYTES) {
      throw new S3Error('KeyTooLongError', { fields: { Size: String(size), MaxSizeAllowed: String(MAX_KEY_BYTES) } });
    }
  }
  if (key.includes('\0')) throw new S3Error('InvalidArgument', { message: 'Object keys must not contain NUL.' });
  return artifactKey(key);
}
