import { createHash, createHmac } from 'node:crypto';
import type { ChunkSigning } from '../http/s3-request';

export interface EncodeOptions {
  readonly chunkBytes: number;
  readonly signing?: ChunkSigning;
  readonly trailer?: { readonly name: string; readonly value: string };
}

const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

/** The client's side of `aws-chunked`, for tests. Written from AWS's description, apart from the decoder's code. */
export function encodeAwsChunked(payload: Uint8Array, options: EncodeOptions): Buffer {
  const { signing, trailer } = options;
  const parts: (string | Uint8Array)[] = [];
  let previous = signing?.seedSignatureHex ?? '';
  const sign = (kind: string, ...hashes: string[]): string => {
    if (signing === undefined) return '';
    const text = [`AWS4-HMAC-SHA256-${kind}`, signing.timestamp, signing.scope, previous, ...hashes].join('\n');
    previous = createHmac('sha256', signing.signingKey).update(text).digest('hex');
    return previous;
  };
  const header = (chunk: Uint8Array): string => {
    const size = chunk.length.toString(16);
    return signing === undefined
      ? `${size}\r\n`
      : `${size};chunk-signature=${sign('PAYLOAD', sha256(''), sha256(chunk))}\r\n`;
  };
  for (let start = 0; start < payload.length; start += options.chunkBytes) {
    const chunk = payload.subarray(start, start + options.chunkBytes);
    parts.push(header(chunk), chunk, '\r\n');
  }
  parts.push(header(new Uint8Array(0)));
  if (trailer !== undefined) {
    parts.push(`${trailer.name}:${trailer.value}\r\n`);
    if (signing !== undefined) {
      parts.push(`x-amz-trailer-signature:${sign('TRAILER', sha256(`${trailer.name}:${trailer.value}\n`))}\r\n`);
    }
  }
  parts.push('\r\n');
  return Buffer.concat(parts.map((part) => Buffer.from(part)));
}
