import type { ChecksumAlgorithm } from '../../engine/artifacts/artifact.types';
import { S3Error } from '../errors/s3-error';
import type { S3Request } from '../http/s3-request';
import type { PromisedChecksum } from './checksum-headers';
import { decodeBase64, parseChecksumHeaders } from './checksum-headers';

const MD5_BYTES = 16;
const DECIMAL = /^[0-9]{1,15}$/;

/** How the payload is framed on the wire. */
export type PayloadFraming = 'plain' | 'aws-chunked';

/** Everything that the headers say of a body, validated before a byte of it is read. */
export interface PayloadDeclaration {
  readonly framing: PayloadFraming;
  /** Decoded length. Undefined: the request has neither a length nor a body. */
  readonly sizeBytes: number | undefined;
  /** The payload hash that was signed. */
  readonly sha256Hex: string | undefined;
  readonly contentMd5: Buffer | undefined;
  readonly checksum: PromisedChecksum | undefined;
  /** Algorithm of the checksum that the trailer will bring. */
  readonly trailer: ChecksumAlgorithm | undefined;
}

/**
 * Reads and validates the headers of a request's body. `describesBody` false: checksum headers speak of something else than
 * this body (an object that is being completed) and are left alone.
 *
 * Errors: `InvalidDigest`, `InvalidRequest`, `InvalidArgument`, `MissingContentLength`, `MalformedTrailerError` for a trailer
 * mode without a trailer, and `NotImplemented` for a chunked transfer of unknown length.
 */
export function declarePayload(request: S3Request, describesBody: boolean): PayloadDeclaration {
  const { headers } = request.message;
  const payload = payloadModeOf(request);
  const isChunked = payload.kind === 'streaming-signed' || payload.kind === 'streaming-unsigned-trailer';
  const expectsTrailer =
    payload.kind === 'streaming-unsigned-trailer' || (payload.kind === 'streaming-signed' && payload.hasTrailer);
  const { checksum, trailer } = describesBody
    ? parseChecksumHeaders(headers)
    : { checksum: undefined, trailer: undefined };
  if (expectsTrailer && trailer === undefined) throw new S3Error('MalformedTrailerError');
  if (!expectsTrailer && trailer !== undefined) {
    throw new S3Error('InvalidRequest', {
      message: 'x-amz-trailer is only supported with a payload mode that has a trailer.',
    });
  }
  return {
    framing: isChunked ? 'aws-chunked' : 'plain',
    sizeBytes: isChunked ? decodedLength(request) : plainLength(request),
    sha256Hex: payload.kind === 'hash' ? payload.sha256Hex : undefined,
    contentMd5: parseContentMd5(headers['content-md5']),
    checksum,
    trailer,
  };
}

function payloadModeOf(request: S3Request) {
  if (request.identity === undefined) throw new Error('The body was asked for before the request was authenticated');
  return request.identity.payload;
}

function decodedLength(request: S3Request): number {
  const { headers } = request.message;
  const announced = headers['x-amz-decoded-content-length'];
  const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
  if (announced === undefined || !hasBody) throw new S3Error('MissingContentLength');
  if (typeof announced === 'string' && DECIMAL.test(announced)) return Number(announced);
  throw new S3Error('InvalidArgument', {
    fields: { ArgumentName: 'x-amz-decoded-content-length', ArgumentValue: String(announced) },
  });
}

/** HTTP's own chunking is taken, as at S3, only where the length is known in another way. */
function plainLength(request: S3Request): number | undefined {
  const { headers } = request.message;
  if (headers['transfer-encoding'] === undefined) {
    const length = headers['content-length'];
    return length === undefined ? undefined : Number(length);
  }
  if (headers['x-amz-decoded-content-length'] !== undefined) return decodedLength(request);
  throw new S3Error('NotImplemented', { fields: { Header: 'Transfer-Encoding' } });
}

function parseContentMd5(value: string | string[] | undefined): Buffer | undefined {
  if (value === undefined) return undefined;
  const digest = decodeBase64(String(value), MD5_BYTES);
  if (digest === undefined) throw new S3Error('InvalidDigest', { fields: { 'Content-MD5': String(value) } });
  return digest;
}
