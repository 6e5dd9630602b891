import { createHmac, hash } from 'node:crypto';

/** Whom to sign for, and what the server calls itself. */
export interface SigningIdentity {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
  /** The `Host` header as it is sent: host, and port unless it is the scheme's own. */
  readonly host: string;
}

export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD';
export const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** Percent-encoding as signature version 4 wants it: everything but the unreserved characters of RFC 3986. */
export function encodeRfc3986(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** A path of a bucket and a key, ready for the request line and the canonical request alike. */
export function encodePath(bucket: string, key = ''): string {
  const suffix = key === '' ? '' : `/${key.split('/').map(encodeRfc3986).join('/')}`;
  return `/${bucket}${suffix}`;
}

/** A canonical query string: names sorted, names and values encoded. */
export function encodeQuery(parameters: Readonly<Record<string, string>>): string {
  return Object.keys(parameters)
    .sort()
    .map((name) => `${encodeRfc3986(name)}=${encodeRfc3986(parameters[name] ?? '')}`)
    .join('&');
}

/**
 * Signs S3 requests by header (AWS signature version 4). The signing key is computed once a day and the date header once a
 * second, so that a signature costs two SHA-256 and one HMAC of a few hundred bytes.
 *
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export class RequestSigner {
  private readonly identity: SigningIdentity;
  private day = '';
  private signingKey: Buffer = Buffer.alloc(0);
  private second = 0;
  private timestamp = '';

  constructor(identity: SigningIdentity) {
    this.identity = identity;
  }

  /**
   * The head of a signed HTTP/1.1 request up to and including the empty line.
   * `path` and `query` are sent as they are given: encode them first. `contentLength` undefined sends none.
   */
  head(
    method: string,
    path: string,
    query: string,
    payloadHash: string,
    contentLength: number | undefined,
    nowMs = Date.now(),
  ): string {
    const { host } = this.identity;
    this.setTime(nowMs);
    const authorization = this.authorize(method, path, query, payloadHash);
    const target = query === '' ? path : `${path}?${query}`;
    const length = contentLength === undefined ? '' : `content-length: ${String(contentLength)}\r\n`;
    return (
      `${method} ${target} HTTP/1.1\r\nhost: ${host}\r\n${length}x-amz-content-sha256: ${payloadHash}\r\n` +
      `x-amz-date: ${this.timestamp}\r\nauthorization: ${authorization}\r\n\r\n`
    );
  }

  private authorize(method: string, path: string, query: string, payloadHash: string): string {
    const { accessKey, region, host } = this.identity;
    const signedHeaders = 'host;x-amz-content-sha256;x-amz-date';
    const canonical =
      `${method}\n${path}\n${query}\nhost:${host}\nx-amz-content-sha256:${payloadHash}\nx-amz-date:${this.timestamp}\n\n` +
      `${signedHeaders}\n${payloadHash}`;
    const scope = `${this.day}/${region}/s3/aws4_request`;
    const toSign = `AWS4-HMAC-SHA256\n${this.timestamp}\n${scope}\n${hash('sha256', canonical)}`;
    const signature = createHmac('sha256', this.signingKey).update(toSign).digest('hex');
    return `AWS4-HMAC-SHA256 Credential=${accessKey}/${scope}, SignedHeaders=${signedHeaders}, Signature=${signature}`;
  }

  private setTime(nowMs: number): void {
    const second = Math.floor(nowMs / 1000);
    if (second === this.second) return;
    this.second = second;
    this.timestamp = new Date(second * 1000).toISOString().replace(/[-:]|\.000/g, '');
    const day = this.timestamp.slice(0, 8);
    if (day === this.day) return;
    this.day = day;
    this.signingKey = [day, this.identity.region, 's3', 'aws4_request'].reduce<Buffer>(
      (key, part) => createHmac('sha256', key).update(part).digest(),
      Buffer.from(`AWS4${this.identity.secretKey}`),
    );
  }
}
