import type { IncomingBody } from '../../engine/artifacts/artifact.types';
import { digestOf } from '../../engine/blobs/digests';
import { MAX_PART_BYTES } from '../../engine/multipart/multipart.types';
import { S3Error } from '../errors/s3-error';
import type { S3Request } from '../http/s3-request';
import { AwsChunkedDecoder, decodeAwsChunked } from './aws-chunked-decoder';
import { checksumHeader } from './checksum-headers';
import { ChunkSignatures } from './chunk-signatures';
import { digestExpectations } from './digest-expectations';
import type { PayloadDeclaration } from './payload-declaration';
import { declarePayload } from './payload-declaration';
import { RequestBytes } from './request-bytes';

/** AWS stores this checksum where the client brought none. */
const DEFAULT_CHECKSUM = 'CRC64NVME';

/** Their checksum headers describe the object, not the XML that is sent. */
const DESCRIBES_OBJECT: ReadonlySet<string> = new Set(['CompleteMultipartUpload', 'CreateMultipartUpload']);

/**
 * The body of an object or a part. All headers are validated here, before a byte is read; reading begins, and
 * `100 Continue` is sent, when the engine pulls the first byte.
 *
 * Throws what {@link declarePayload} throws, `MissingContentLength`, and `EntityTooLarge` over 5 GiB.
 */
export function openPayload(request: S3Request): IncomingBody {
  const declaration = declarePayload(request, true);
  const { sizeBytes, checksum, trailer } = declaration;
  if (sizeBytes === undefined) throw new S3Error('MissingContentLength');
  if (sizeBytes > MAX_PART_BYTES) {
    throw new S3Error('EntityTooLarge', {
      fields: { ProposedSize: String(sizeBytes), MaxSizeAllowed: String(MAX_PART_BYTES) },
    });
  }
  const { source, trailerValue } = openSource(request, declaration, sizeBytes);
  return {
    source,
    sizeBytes,
    expectations: digestExpectations(declaration, trailerValue),
    storedChecksum: checksum?.algorithm ?? trailer ?? DEFAULT_CHECKSUM,
  };
}

export interface VerifiedBodyOptions {
  /** A body without `Content-MD5` and without a checksum is refused with `InvalidRequest`, as for DeleteObjects. */
  readonly requiresDigest?: boolean;
}

/**
 * A whole small body (XML), in any payload mode, verified like an object's. Empty when the request has none.
 *
 * Throws `MaxMessageLengthExceeded` when more than `maxBytes` are announced, before reading any.
 */
export async function readVerifiedBody(
  request: S3Request,
  maxBytes: number,
  options: VerifiedBodyOptions = {},
): Promise<Buffer> {
  const declaration = declarePayload(request, !DESCRIBES_OBJECT.has(request.operation.name));
  const { contentMd5, checksum, trailer, sizeBytes = 0 } = declaration;
  const hasDigest = contentMd5 !== undefined || checksum !== undefined || trailer !== undefined;
  if (options.requiresDigest === true && !hasDigest) {
    throw new S3Error('InvalidRequest', { message: 'Missing required header for this request: Content-MD5' });
  }
  if (sizeBytes > maxBytes) throw new S3Error('MaxMessageLengthExceeded');

  const { source, trailerValue } = openSource(request, declaration, sizeBytes);
  const body = Buffer.allocUnsafe(sizeBytes);
  let length = 0;
  for await (const chunk of source) {
    // The source refuses more than it announced.
    body.set(chunk, length);
    length += chunk.length;
  }
  for (const expectation of digestExpectations(declaration, trailerValue)) {
    expectation.verify(digestOf(expectation.algorithm, body));
  }
  return body;
}

interface OpenSource {
  readonly source: AsyncIterable<Uint8Array>;
  readonly trailerValue: () => string | undefined;
}

function openSource(request: S3Request, declaration: PayloadDeclaration, sizeBytes: number): OpenSource {
  const { message, record } = request;
  if (declaration.framing === 'plain') {
    return { source: new RequestBytes(request, sizeBytes, record), trailerValue: () => undefined };
  }
  const decoder = new AwsChunkedDecoder({
    decodedBytes: sizeBytes,
    signatures: chunkSignatures(request),
    trailerName: declaration.trailer === undefined ? undefined : checksumHeader(declaration.trailer),
  });
  const encodedLength = message.headers['content-length'];
  const encodedBytes = encodedLength === undefined ? undefined : Number(encodedLength);
  const encoded = new RequestBytes(request, encodedBytes, undefined);
  return { source: decodeAwsChunked(encoded, decoder, record), trailerValue: () => decoder.trailerValue };
}

/** Undefined only where the signed payload mode says that chunks are not signed. */
function chunkSignatures({ identity }: S3Request): ChunkSignatures | undefined {
  if (identity?.payload.kind !== 'streaming-signed') return undefined;
  if (identity.chunkSigning === undefined) throw new Error('Signed chunks came without what they are signed with');
  return new ChunkSignatures(identity.chunkSigning);
}
