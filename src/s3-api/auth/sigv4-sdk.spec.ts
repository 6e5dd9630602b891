import { createHash } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import * as fc from 'fast-check';
import { ACCESS_KEY, check, refusal, SECRET_KEY, SIGNED_AT, signedRequest } from './signed-request.fixture';

type SourceData = string | ArrayBuffer | ArrayBufferView;

function bytesOf(data: SourceData): Buffer {
  if (typeof data === 'string') return Buffer.from(data);
  if (ArrayBuffer.isView(data)) return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return Buffer.from(data);
}

function sha256(...parts: Uint8Array[]): Buffer {
  return createHash('sha256').update(Buffer.concat(parts)).digest();
}

describe('requests signed by the AWS SDK', () => {
  class Sha256 {
    private readonly parts: Buffer[] = [];
    private readonly secret: Buffer | undefined;
    constructor(secret?: SourceData) {
      this.secret = secret === undefined ? undefined : bytesOf(secret);
    }
    update(part: SourceData): void {
      this.parts.push(bytesOf(part));
    }
    async digest(): Promise<Uint8Array> {
      // HMAC by its definition (RFC 2104), so that this signer shares no code with ours.
      const { secret } = this;
      if (secret === undefined) return sha256(...this.parts);
      const padded = Buffer.concat([secret.length > 64 ? sha256(secret) : secret], 64);
      const inner = sha256(
        padded.map((byte) => byte ^ 0x36),
        ...this.parts,
      );
      return sha256(
        padded.map((byte) => byte ^ 0x5c),
        inner,
      );
    }
    reset(): void {
      this.parts.length = 0;
    }
  }

  const awsEncode = (text: string): string =>
    encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  const wellFormed = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => text.isWellFormed());
  const requests = fc.record({
    secretKey: fc.string({ minLength: 1, maxLength: 80 }),
    segments: fc.array(wellFormed, { maxLength: 4 }),
    query: fc.dictionary(
      // The SDK copies the query into ordinary objects, which lose `__proto__`.
      wellFormed.filter((name) => name !== '' && name !== '__proto__' && !/^x-amz/i.test(name)),
      wellFormed,
      {
        noNullPrototype: true,
        maxKeys: 4,
      },
    ),
    headers: fc.dictionary(
      fc.stringMatching(/^x-amz-meta-[a-z0-9]{1,8}$/),
      fc.stringMatching(/^[!-~]([ -~]{0,10}[!-~])?$/),
      { noNullPrototype: true, maxKeys: 4 },
    ),
  });
  const region = 'eu-west-1';
  const signer = (secretAccessKey: string): SignatureV4 =>
    new SignatureV4({
      credentials: { accessKeyId: ACCESS_KEY, secretAccessKey },
      region,
      service: 's3',
      sha256: Sha256,
      uriEscapePath: false,
      applyChecksum: true,
    });
  const target = (path: string, query: Record<string, unknown>): string => {
    const parts = Object.entries(query).map(([name, value]) => `${awsEncode(name)}=${awsEncode(String(value))}`);
    return parts.length === 0 ? path : `${path}?${parts.join('&')}`;
  };
  const options = { signingDate: new Date(SIGNED_AT) };

  it('verifies by header, and not with another secret', async () => {
    await fc.assert(
      fc.asyncProperty(requests, async ({ secretKey, segments, query, headers }) => {
        const path = `/${segments.map(awsEncode).join('/')}`;
        const signed = await signer(secretKey).sign(
          { method: 'PUT', protocol: 'http:', hostname: 'h', path, query, headers: { host: 'h', ...headers } },
          options,
        );
        const request = signedRequest('PUT', target(path, query), signed.headers);
        check(request, { region }, secretKey);
        expect(refusal(() => check(request, { region }, `${secretKey}x`)).code).toBe('SignatureDoesNotMatch');
      }),
    );
  });

  it('verifies presigned URLs, and no changed one', async () => {
    await fc.assert(
      fc.asyncProperty(requests, async ({ secretKey, segments, query, headers }) => {
        const path = `/${segments.map(awsEncode).join('/')}`;
        const signed = await signer(secretKey).presign(
          {
            method: 'PUT',
            protocol: 'http:',
            hostname: 'h',
            path,
            query,
            headers: { host: 'h', 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD', ...headers },
          },
          { ...options, expiresIn: 60 },
        );
        const url = target(path, signed.query ?? {});
        check(signedRequest('PUT', url, { host: 'h' }), { region }, secretKey);
        expect(refusal(() => check(signedRequest('PUT', `${url}&a`, { host: 'h' }), { region }, secretKey)).code).toBe(
          'SignatureDoesNotMatch',
        );
        expect(refusal(() => check(signedRequest('GET', url, { host: 'h' }), { region }, secretKey)).code).toBe(
          'SignatureDoesNotMatch',
        );
      }),
    );
  });

  it('verifies a target that was sent bare but signed encoded', async () => {
    const signed = await signer(SECRET_KEY).sign(
      {
        method: 'GET',
        protocol: 'http:',
        hostname: 'h',
        path: '/b/k%281%29%3A',
        query: { prefix: 'a/b' },
        headers: { host: 'h' },
      },
      options,
    );
    expect(() => check(signedRequest('GET', '/b/k(1):?prefix=a/b', signed.headers), { region })).not.toThrow();
  });
});
