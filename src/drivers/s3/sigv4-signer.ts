import { createHash, createHmac } from 'node:crypto';
import type { S3Credentials } from './profiles';

export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD';

export interface SignableRequest {
  readonly method: string;
  /** As sent: percent-encoded once, which for S3 is also the canonical form. */
  readonly path: string;
  /** As sent: percent-encoded and sorted by name. */
  readonly query: string;
  /** Names in lower case, `host` among them. All are signed. */
  readonly headers: Readonly<Record<string, string>>;
  /** Hexadecimal SHA-256 of the body, or {@link UNSIGNED_PAYLOAD}. */
  readonly payloadHash: string;
}

/**
 * AWS Signature Version 4 in the `Authorization` header, for S3
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html).
 */
export class SigV4Signer {
  private keyDate = '';
  private key: Buffer | undefined;

  constructor(
    private readonly credentials: S3Credentials,
    private readonly region: string,
  ) {}

  /** The request's headers with `x-amz-date`, `x-amz-content-sha256` and `authorization`. */
  sign(request: SignableRequest, now: Date = new Date()): Record<string, string> {
    const timestamp = `${now.toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
    const date = timestamp.slice(0, 8);
    const headers: Record<string, string> = {
      ...request.headers,
      'x-amz-date': timestamp,
      'x-amz-content-sha256': request.payloadHash,
    };
    const names = Object.keys(headers).sort();
    const signedNames = names.join(';');
    let canonical = `${request.method}\n${request.path}\n${request.query}\n`;
    for (const name of names) canonical += `${name}:${(headers[name] ?? '').trim().replaceAll(/ +/g, ' ')}\n`;
    canonical += `\n${signedNames}\n${request.payloadHash}`;
    const scope = `${date}/${this.region}/s3/aws4_request`;
    const toSign = `AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${createHash('sha256').update(canonical).digest('hex')}`;
    const signature = createHmac('sha256', this.keyOf(date)).update(toSign).digest('hex');
    headers.authorization = `AWS4-HMAC-SHA256 Credential=${this.credentials.accessKeyId}/${scope}, SignedHeaders=${signedNames}, Signature=${signature}`;
    return headers;
  }

  /** The signing key of a day, derived once. */
  private keyOf(date: string): Buffer {
    if (this.key !== undefined && this.keyDate === date) return this.key;
    let key = hmac(`AWS4${this.credentials.secretAccessKey}`, date);
    for (const step of [this.region, 's3', 'aws4_request']) key = hmac(key, step);
    this.keyDate = date;
    this.key = key;
    return key;
  }
}

/** Percent-encoding of RFC 3986, as the signature wants it. */
export function encodeRfc3986(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** A key as the path of a URL: encoded, its slashes left. */
export function encodePath(key: string): string {
  return key.split('/').map(encodeRfc3986).join('/');
}

/** Sorted by name and encoded; values may be empty. */
export function encodeQuery(query: Readonly<Record<string, string>>): string {
  return Object.keys(query)
    .sort()
    .map((name) => `${encodeRfc3986(name)}=${encodeRfc3986(query[name] ?? '')}`)
    .join('&');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
