import { S3Error } from '../errors/s3-error';
import type { PayloadMode } from '../http/s3-request';

/** What stands in place of the payload's hash when a presigned URL says nothing. */
export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD';

const UNSIGNED: PayloadMode = { kind: 'unsigned' };
const SIGNED_CHUNKS: PayloadMode = { kind: 'streaming-signed', hasTrailer: false };
const SIGNED_CHUNKS_TRAILER: PayloadMode = { kind: 'streaming-signed', hasTrailer: true };
const UNSIGNED_TRAILER: PayloadMode = { kind: 'streaming-unsigned-trailer' };

/**
 * What `x-amz-content-sha256` announces. Refuses the asymmetric (SigV4A) modes as `NotImplemented` and everything
 * unknown as `InvalidArgument`, as AWS does.
 */
export function parsePayloadMode(value: string): PayloadMode {
  switch (value) {
    case UNSIGNED_PAYLOAD:
      return UNSIGNED;
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD':
      return SIGNED_CHUNKS;
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER':
      return SIGNED_CHUNKS_TRAILER;
    case 'STREAMING-UNSIGNED-PAYLOAD-TRAILER':
      return UNSIGNED_TRAILER;
    case 'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD':
    case 'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER':
      throw new S3Error('NotImplemented', { fields: { Header: 'x-amz-content-sha256' } });
  }
  if (isHexDigest(value)) return { kind: 'hash', sha256Hex: value };
  throw new S3Error('InvalidArgument', {
    message:
      'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.',
    fields: { ArgumentName: 'x-amz-content-sha256', ArgumentValue: value },
  });
}

/** 64 hexadecimal digits in lower case: a SHA-256 digest or a v4 signature. */
export function isHexDigest(text: string): boolean {
  if (text.length !== 64) return false;
  for (let index = 0; index < 64; index++) {
    const code = text.charCodeAt(index);
    if (!((code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66))) return false;
  }
  return true;
}
