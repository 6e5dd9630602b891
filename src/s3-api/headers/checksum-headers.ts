import type { IncomingHttpHeaders } from 'node:http';
import type { Checksum, ChecksumAlgorithm, ChecksumType } from '../../engine/artifacts/artifact.types';
import { CHECKSUM_ALGORITHMS } from '../../engine/artifacts/artifact.types';
import { S3Error } from '../errors/s3-error';
import { headerOf, invalidArgument } from './request-header';

const ALGORITHMS: ReadonlySet<string> = new Set(CHECKSUM_ALGORITHMS);
/** Checksums that can be combined from those of the parts, and so may cover a whole multipart object. */
const LINEAR: ReadonlySet<ChecksumAlgorithm> = new Set<ChecksumAlgorithm>(['CRC32', 'CRC32C', 'CRC64NVME']);

/** `x-amz-checksum-sha256` and so on, by algorithm. */
export const CHECKSUM_HEADERS: Readonly<Record<ChecksumAlgorithm, string>> = byAlgorithm(
  (algorithm) => `x-amz-checksum-${algorithm.toLowerCase()}`,
);

/** `ChecksumSHA256` and so on: names of the elements in XML, by algorithm. */
export const CHECKSUM_ELEMENTS: Readonly<Record<ChecksumAlgorithm, string>> = byAlgorithm(
  (algorithm) => `Checksum${algorithm}`,
);

/** Adds the headers that tell a stored checksum and its type. */
export function addChecksumHeaders(
  headers: Record<string, string | number | undefined>,
  checksum: Checksum | undefined,
): void {
  if (checksum === undefined) return;
  headers[CHECKSUM_HEADERS[checksum.algorithm]] = checksum.value;
  headers['x-amz-checksum-type'] = checksum.type;
}

/** Whether a GET or HEAD asks for checksums. Throws `InvalidArgument` for a mode that S3 doesn't know. */
export function wantsChecksums(headers: IncomingHttpHeaders): boolean {
  const mode = headerOf(headers, 'x-amz-checksum-mode');
  if (mode === undefined) return false;
  if (mode.toUpperCase() === 'ENABLED') return true;
  throw invalidArgument('Value for x-amz-checksum-mode header is invalid.', 'x-amz-checksum-mode', mode);
}

/** `x-amz-checksum-algorithm` of CreateMultipartUpload and CopyObject. Throws `InvalidRequest` for an unknown one. */
export function checksumAlgorithmHeader(headers: IncomingHttpHeaders): ChecksumAlgorithm | undefined {
  const text = headerOf(headers, 'x-amz-checksum-algorithm');
  if (text === undefined) return undefined;
  const name = text.toUpperCase();
  if (!isChecksumAlgorithm(name)) {
    throw new S3Error('InvalidRequest', {
      message: 'Checksum algorithm provided is unsupported. Please try again with any of the valid types',
    });
  }
  return name;
}

/** `x-amz-checksum-type` of CompleteMultipartUpload. Throws `InvalidRequest` for an unknown one. */
export function checksumTypeHeader(headers: IncomingHttpHeaders): ChecksumType | undefined {
  const text = headerOf(headers, 'x-amz-checksum-type');
  if (text === undefined) return undefined;
  const type = text.toUpperCase();
  if (type === 'COMPOSITE' || type === 'FULL_OBJECT') return type;
  throw new S3Error('InvalidRequest', { message: 'Value for x-amz-checksum-type header is invalid.' });
}

/**
 * Algorithm and type that a multipart upload is created with. Throws `InvalidRequest` for a type without an algorithm, and
 * for a pair that can't be computed.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
 */
export function uploadChecksumHeaders(headers: IncomingHttpHeaders): {
  readonly algorithm: ChecksumAlgorithm | undefined;
  readonly type: ChecksumType | undefined;
} {
  const algorithm = checksumAlgorithmHeader(headers);
  const type = checksumTypeHeader(headers);
  if (type !== undefined && algorithm === undefined) {
    throw new S3Error('InvalidRequest', {
      message: 'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.',
    });
  }
  const isImpossible =
    algorithm !== undefined &&
    ((type === 'FULL_OBJECT' && !LINEAR.has(algorithm)) || (type === 'COMPOSITE' && algorithm === 'CRC64NVME'));
  if (isImpossible) {
    throw new S3Error('InvalidRequest', {
      message: `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    });
  }
  return { algorithm, type };
}

/**
 * The client's checksum of a whole multipart object, to be verified at completion. Throws `InvalidRequest` for more than
 * one, and for an algorithm that S3 doesn't know.
 */
export function completeChecksumHeader(
  headers: IncomingHttpHeaders,
): { readonly algorithm: ChecksumAlgorithm; readonly value: string } | undefined {
  let found: { algorithm: ChecksumAlgorithm; value: string } | undefined;
  for (const name in headers) {
    if (!name.startsWith('x-amz-checksum-')) continue;
    const suffix = name.slice('x-amz-checksum-'.length);
    if (suffix === 'algorithm' || suffix === 'type' || suffix === 'mode') continue;
    const algorithm = suffix.toUpperCase();
    if (!isChecksumAlgorithm(algorithm)) {
      throw new S3Error('InvalidRequest', {
        message: 'The algorithm type you specified in x-amz-checksum- header is invalid.',
      });
    }
    if (found !== undefined) {
      throw new S3Error('InvalidRequest', {
        message: 'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
      });
    }
    found = { algorithm, value: headerOf(headers, name) ?? '' };
  }
  return found;
}

function isChecksumAlgorithm(name: string): name is ChecksumAlgorithm {
  return ALGORITHMS.has(name);
}

function byAlgorithm(name: (algorithm: ChecksumAlgorithm) => string): Readonly<Record<ChecksumAlgorithm, string>> {
  const names: Partial<Record<ChecksumAlgorithm, string>> = {};
  for (const algorithm of CHECKSUM_ALGORITHMS) names[algorithm] = name(algorithm);
  return names as Record<ChecksumAlgorithm, string>;
}
