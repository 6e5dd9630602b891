import type { ChecksumAlgorithm, ChecksumType } from '../artifacts/artifact.types';
import { digestAlgorithmOf } from '../blobs/checksum-names';
import { combineCrc } from '../blobs/digest-combine';
import { createDigest, digestOf } from '../blobs/digests';

/** A part as it was stored. `checksum` is base64, of the upload's algorithm. */
export interface StoredPart {
  readonly sizeBytes: number;
  readonly etag: string;
  readonly checksum: string;
}

const LINEAR = new Set<ChecksumAlgorithm>(['CRC32', 'CRC32C', 'CRC64NVME']);

/** Whether S3 defines a whole-object checksum of this type for the algorithm (user guide, "Checking object integrity"). */
export function supportsChecksumType(algorithm: ChecksumAlgorithm, type: ChecksumType): boolean {
  return type === 'FULL_OBJECT' ? LINEAR.has(algorithm) : algorithm !== 'CRC64NVME';
}

export const defaultChecksumType = (algorithm: ChecksumAlgorithm): ChecksumType =>
  algorithm === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE';

/** The ETag of a multipart upload: MD5 over the parts' binary MD5s, with `-N`. */
export function multipartEtag(parts: readonly StoredPart[]): string {
  const md5s = Buffer.concat(parts.map((part) => Buffer.from(part.etag, 'hex')));
  return `${digestOf('md5', md5s).toString('hex')}-${String(parts.length)}`;
}

/**
 * The checksum of the whole. COMPOSITE: the digest over the parts' digests, with `-N`. FULL_OBJECT: the digest of the
 * bytes themselves, combined from those of the parts without reading them again; only CRCs can be.
 */
export function multipartChecksum(
  algorithm: ChecksumAlgorithm,
  type: ChecksumType,
  parts: readonly StoredPart[],
): string {
  const name = digestAlgorithmOf(algorithm);
  if (type === 'COMPOSITE') {
    const digests = Buffer.concat(parts.map((part) => Buffer.from(part.checksum, 'base64')));
    return `${digestOf(name, digests).toString('base64')}-${String(parts.length)}`;
  }
  if (name !== 'crc32' && name !== 'crc32c' && name !== 'crc64nvme') {
    throw new Error(`${algorithm} has no full-object checksum of parts`);
  }
  let whole = createDigest(name).digest();
  for (const part of parts) whole = combineCrc(name, whole, Buffer.from(part.checksum, 'base64'), part.sizeBytes);
  return whole.toString('base64');
}
