import { createHash, createSecretKey } from 'node:crypto';
import type { Hash, KeyObject } from 'node:crypto';
import { isSameSignature, sign } from '../auth/signing-key';
import { S3Error } from '../errors/s3-error';
import type { ChunkSigning } from '../http/s3-request';

const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/**
 * The chain of signatures over the chunks of a body: each covers its chunk and the signature before it, so that none can be
 * changed, left out or moved. A chunk is hashed while it passes and never held.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and sigv4-streaming-trailers.html
 */
export class ChunkSignatures {
  private readonly key: KeyObject;
  private previousSignature: string;
  private hash: Hash | undefined;

  constructor(private readonly signing: ChunkSigning) {
    this.key = createSecretKey(signing.signingKey);
    this.previousSignature = signing.seedSignatureHex;
  }

  /** Takes in bytes of the current chunk. */
  update(bytes: Uint8Array): void {
    this.hash ??= createHash('sha256');
    this.hash.update(bytes);
  }

  /** Ends the current chunk. Throws `SignatureDoesNotMatch` unless `signature` is its signature. */
  endChunk(signature: string): void {
    const sha256 = this.hash === undefined ? EMPTY_SHA256 : this.hash.digest('hex');
    this.hash = undefined;
    this.check(`AWS4-HMAC-SHA256-PAYLOAD\n${this.context()}\n${EMPTY_SHA256}\n${sha256}`, signature);
  }

  /** `trailers` are lines `name:value\n`, names in lower case. Throws `SignatureDoesNotMatch` unless `signature` covers them. */
  endTrailers(trailers: string, signature: string): void {
    const sha256 = createHash('sha256').update(trailers, 'latin1').digest('hex');
    this.check(`AWS4-HMAC-SHA256-TRAILER\n${this.context()}\n${sha256}`, signature);
  }

  private context(): string {
    return `${this.signing.timestamp}\n${this.signing.scope}\n${this.previousSignature}`;
  }

  private check(stringToSign: string, signature: string): void {
    const expected = sign(this.key, stringToSign);
    if (!isSameSignature(expected, signature)) {
      throw new S3Error('SignatureDoesNotMatch', {
        fields: { StringToSign: stringToSign, SignatureProvided: signature },
      });
    }
    this.previousSignature = expected;
  }
}
