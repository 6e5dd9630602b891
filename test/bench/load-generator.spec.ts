import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import * as fc from 'fast-check';
import { Latencies, median } from '../../bench/lib/latencies';
import type { ReadResponse } from '../../bench/lib/response-reader';
import { headerOf, ResponseReader } from '../../bench/lib/response-reader';
import { encodePath, encodeQuery, EMPTY_SHA256, RequestSigner, UNSIGNED_PAYLOAD } from '../../bench/lib/signer';

const IDENTITY = { accessKey: 'AKIDEXAMPLE', secretKey: 'wJalrXUtnFEMI/K7MDENG', region: 'eu-west-1' };
const HOST = '127.0.0.1:8080';

/** The SDK's signer wants SHA-256 as a class; with a secret it is an HMAC. */
class Sha256 {
  private readonly digester;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.digester = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret));
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.digester.update(bytesOf(data));
  }

  async digest(): Promise<Uint8Array> {
    return this.digester.digest();
  }

  reset(): void {
    throw new Error('the signer does not reset');
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Buffer {
  if (typeof data === 'string') return Buffer.from(data);
  return data instanceof ArrayBuffer ? Buffer.from(data) : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

async function authorizationOfSdk(
  method: string,
  path: string,
  query: Record<string, string>,
  payloadHash: string,
  at: Date,
): Promise<string> {
  const signer = new SignatureV4({
    credentials: { accessKeyId: IDENTITY.accessKey, secretAccessKey: IDENTITY.secretKey },
    region: IDENTITY.region,
    service: 's3',
    sha256: Sha256,
    uriEscapePath: false,
  });
  const signed = await signer.sign(
    {
      method,
      protocol: 'http:',
      hostname: '127.0.0.1',
      port: 8080,
      path,
      query,
      headers: { host: HOST, 'x-amz-content-sha256': payloadHash },
    },
    { signingDate: at },
  );
  return signed.headers.authorization ?? '';
}

describe('the signer of the load generator', () => {
  it('signs as the AWS SDK does, whatever the key, the query and the time', async () => {
    const signer = new RequestSigner({ ...IDENTITY, host: HOST });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET', 'PUT', 'HEAD', 'DELETE'),
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((key) => key.isWellFormed()),
        fc.dictionary(fc.stringMatching(/^[a-z-]{1,8}$/), fc.string({ unit: 'grapheme-ascii' }), { maxKeys: 4 }),
        fc.constantFrom(EMPTY_SHA256, UNSIGNED_PAYLOAD),
        fc.date({ min: new Date('2020-01-01'), max: new Date('2040-01-01'), noInvalidDate: true }),
        async (method, key, query, payloadHash, at) => {
          const path = encodePath('bucket', key);
          const head = signer.head(method, path, encodeQuery(query), payloadHash, undefined, at.getTime());
          expect(head).toContain(
            `\r\nauthorization: ${await authorizationOfSdk(method, path, query, payloadHash, at)}\r\n`,
          );
        },
      ),
    );
  });
});

describe('the response reader of the load generator', () => {
  const read = (pieces: readonly Buffer[], isHead = false): ReadResponse | undefined => {
    const reader = new ResponseReader();
    reader.begin(isHead, true);
    for (const piece of pieces) {
      const response = reader.push(piece);
      if (response !== undefined) return response;
    }
    return reader.end();
  };

  const BODIES = [
    'HTTP/1.1 200 OK\r\nContent-Length: 11\r\nETag: "x"\r\n\r\nhello world',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nETag: "x"\r\nContent-Length: 11\r\n\r\nhello world',
    'HTTP/1.1 200 OK\r\nETag: "x"\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello \r\n5;a=b\r\nworld\r\n0\r\nx: y\r\n\r\n',
  ];

  it('reads the same response however it is cut into pieces', () => {
    fc.assert(
      fc.property(fc.constantFrom(...BODIES), fc.array(fc.nat(160)), (text, cuts) => {
        const bytes = Buffer.from(text);
        const marks = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
        const response = read(marks.slice(1).map((end, index) => bytes.subarray(marks[index], end)));
        expect(response?.body.toString()).toBe('hello world');
        expect(response?.bodyBytes).toBe(11);
        expect(headerOf(response?.headers ?? '', 'etag')).toBe('"x"');
      }),
    );
  });

  it('waits for no body after HEAD and 204', () => {
    expect(read([Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n')], true)?.bodyBytes).toBe(0);
    expect(read([Buffer.from('HTTP/1.1 204 No Content\r\n\r\n')])?.status).toBe(204);
  });

  it('takes the end of the connection for the end of a body without a length', () => {
    const response = read([Buffer.from('HTTP/1.1 200 OK\r\n\r\nhello')]);
    expect(response?.body.toString()).toBe('hello');
    expect(response?.mustClose).toBe(true);
  });

  it('has no response when the connection ends within a body', () => {
    expect(read([Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello')])).toBeUndefined();
  });
});

describe('latencies', () => {
  it('gives percentiles by nearest rank', () => {
    const latencies = new Latencies();
    for (let value = 10_000; value >= 1; value--) latencies.add(value);
    expect(latencies.percentiles([0, 0.5, 0.99, 1])).toEqual([1, 5000, 9900, 10_000]);
  });

  it('has a median of an even number of rounds between the two in the middle', () => {
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([])).toBe(0);
  });
});
