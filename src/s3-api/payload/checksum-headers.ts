import type { IncomingHttpHeaders } from 'node:http';
import { CHECKSUM_ALGORITHMS } from '../../engine/artifacts/artifact.types';
import type { ChecksumAlgorithm } from '../../engine/artifacts/artifact.types';
import { S3Error } from '../errors/s3-error';

/** A checksum that the client promised. */
export interface PromisedChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly digest: Buffer;
}

/** Which checksum a request carries: in a header, announced for the trailer, or none. */
export interface ChecksumDeclaration {
  readonly checksum: PromisedChecksum | undefined;
  readonly trailer: ChecksumAlgorithm | undefined;
}

const PREFIX = 'x-amz-checksum-';

/** Headers with the prefix that carry no checksum. */
const SETTINGS: ReadonlySet<string> = new Set(['algorithm', 'mode', 'type']);

const DIGEST_BYTES: Readonly<Record<ChecksumAlgorithm, number>> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
  SHA512: 64,
  MD5: 16,
  XXHASH64: 8,
  XXHASH3: 8,
  XXHASH128: 16,
};

const ALGORITHMS: ReadonlyMap<string, ChecksumAlgorithm> = new Map(
  CHECKSUM_ALGORITHMS.map((algorithm) => [algorithm.toLowerCase(), algorithm]),
);

const NONE: ChecksumDeclaration = { checksum: undefined, trailer: undefined };

export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return PREFIX + algorithm.toLowerCase();
}

/**
 * What the headers say of checksums: at most one, with a value of the right length, of an algorithm that S3 defines, and
 * the one that `x-amz-sdk-checksum-algorithm` names, if any. Throws `InvalidRequest` otherwise.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
 */
export function parseChecksumHeaders(headers: IncomingHttpHeaders): ChecksumDeclaration {
  let checksum: PromisedChecksum | undefined;
  for (const name in headers) {
    if (!name.startsWith(PREFIX) || SETTINGS.has(name.slice(PREFIX.length))) continue;
    if (checksum !== undefined) throw severalChecksums();
    checksum = parseChecksum(name, headers[name]);
  }
  const announced = headers['x-amz-trailer'];
  const trailer = announced === undefined ? undefined : parseAnnouncedTrailer(announced);
  if (checksum !== undefined && trailer !== undefined) throw severalChecksums();

  const sdkAlgorithm = headers['x-amz-sdk-checksum-algorithm'];
  if (sdkAlgorithm !== undefined) checkSdkAlgorithm(sdkAlgorithm, checksum?.algorithm ?? trailer);
  return checksum === undefined && trailer === undefined ? NONE : { checksum, trailer };
}

/** The digest that a checksum header or trailer carries in base64; undefined unless it is one of `algorithm`. */
export function decodeChecksum(algorithm: ChecksumAlgorithm, value: string): Buffer | undefined {
  return decodeBase64(value, DIGEST_BYTES[algorithm]);
}

/** `byteLength` bytes from their one proper base64 form; undefined for any other text. */
export function decodeBase64(text: string, byteLength: number): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === byteLength && bytes.toString('base64') === text ? bytes : undefined;
}

function parseChecksum(name: string, value: string | string[] | undefined): PromisedChecksum {
  const algorithm = ALGORITHMS.get(name.slice(PREFIX.length));
  if (algorithm === undefined) {
    throw invalidRequest('The algorithm type you specified in x-amz-checksum- header is invalid.');
  }
  const digest = typeof value === 'string' ? decodeChecksum(algorithm, value) : undefined;
  if (digest === undefined) throw invalidRequest(`Value for ${name} header is invalid.`);
  return { algorithm, digest };
}

function parseAnnouncedTrailer(announced: string | string[]): ChecksumAlgorithm {
  const name = String(announced).trim().toLowerCase();
  const algorithm = name.startsWith(PREFIX) ? ALGORITHMS.get(name.slice(PREFIX.length)) : undefined;
  if (algorithm !== undefined) return algorithm;
  if (name.includes(',')) throw severalChecksums();
  throw invalidRequest('The value specified in the x-amz-trailer header is not supported');
}

function checkSdkAlgorithm(named: string | string[], found: ChecksumAlgorithm | undefined): void {
  const algorithm = ALGORITHMS.get(String(named).toLowerCase());
  if (algorithm !== undefined && found === undefined) {
    throw invalidRequest(
      'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
    );
  }
  if (algorithm === undefined || algorithm !== found) {
    throw invalidRequest('Value for x-amz-sdk-checksum-algorithm header is invalid.');
  }
}

function severalChecksums(): S3Error {
  return invalidRequest('Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.');
}

function invalidRequest(message: string): S3Error {
  return new S3Error('InvalidRequest', { message });
}
