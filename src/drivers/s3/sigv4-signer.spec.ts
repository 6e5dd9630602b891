import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import { encodePath, encodeQuery, SigV4Signer, UNSIGNED_PAYLOAD } from './sigv4-signer';

const credentials = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};
const NOW = new Date('2026-03-01T12:34:56Z');

type SourceData = string | ArrayBuffer | ArrayBufferView;

function bytesOf(data: SourceData): Buffer {
  if (typeof data === 'string') return Buffer.from(data);
  return ArrayBuffer.isView(data) ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : Buffer.from(data);
}

/** What the AWS SDK signs with. */
class Sha256 {
  private readonly hash;

  constructor(secret?: SourceData) {
    this.hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret));
  }

  update(data: SourceData): void {
    this.hash.update(bytesOf(data));
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.hash.digest());
  }

  reset(): void {
    throw new Error('unused');
  }
}

describe('the signature of the S3 driver', () => {
  it.each([
    ['GET', 'tenant/a/b', {}, {}, UNSIGNED_PAYLOAD],
    ['PUT', "odd key/(é)!*'~", { partNumber: '1', uploadId: 'a b+/=' }, { 'content-type': 'a/b' }, 'ab'.repeat(32)],
    ['POST', 'x', { uploads: '' }, { 'x-amz-meta-a': '  two   spaces ', 'if-none-match': '*' }, UNSIGNED_PAYLOAD],
    ['GET', '', { 'list-type': '2', prefix: 'tenant/é/', 'continuation-token': 'a=b&c' }, {}, UNSIGNED_PAYLOAD],
  ])('is that of the SDK: %s %s', async (method, key, query, headers, payloadHash) => {
    const host = 'bucket.s3.eu-west-1.example:9000';
    const path = `/${encodePath(key)}`;
    const ours = new SigV4Signer(credentials, 'eu-west-1').sign(
      { method, path, query: encodeQuery(query), headers: { host, ...headers }, payloadHash },
      NOW,
    );
    const reference = new SignatureV4({
      service: 's3',
      region: 'eu-west-1',
      credentials,
      sha256: Sha256,
      uriEscapePath: false,
    });
    const signed = await reference.sign(
      {
        method,
        protocol: 'http:',
        hostname: host,
        path,
        query,
        headers: { host, ...headers, 'x-amz-content-sha256': payloadHash },
      },
      { signingDate: NOW },
    );
    const signatureOf = (text: string | undefined): string => /Signature=([0-9a-f]{64})/.exec(text ?? '')?.[1] ?? '';
    expect(signatureOf(ours.authorization)).toBe(signatureOf(signed.headers.authorization));
    expect(signatureOf(ours.authorization)).not.toBe('');
  });

  it('changes with the day', () => {
    const signer = new SigV4Signer(credentials, 'eu-west-1');
    const request = { method: 'GET', path: '/', query: '', headers: { host: 'h' }, payloadHash: UNSIGNED_PAYLOAD };
    const first = signer.sign(request, NOW).authorization;
    expect(signer.sign(request, new Date('2026-03-02T12:34:56Z')).authorization).not.toBe(first);
    expect(signer.sign(request, NOW).authorization).toBe(first);
  });
});
