import { crc32 } from 'node:zlib';
import * as fc from 'fast-check';
import { deriveSigningKey } from '../auth/signing-key';
import { S3Error } from '../errors/s3-error';
import type { ChunkSigning } from '../http/s3-request';
import { AwsChunkedDecoder, decodeAwsChunked } from './aws-chunked-decoder';
import { ChunkSignatures } from './chunk-signatures';
import { encodeAwsChunked } from './encode-aws-chunked.fixture';

const signing = (seedSignatureHex: string): ChunkSigning => ({
  signingKey: deriveSigningKey('wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', { date: '20130524', region: 'us-east-1' }),
  scope: '20130524/us-east-1/s3/aws4_request',
  timestamp: '20130524T000000Z',
  seedSignatureHex,
});
const SEED = '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9';
const CRC32_TRAILER = 'x-amz-checksum-crc32';

interface Mode {
  readonly isSigned: boolean;
  readonly hasTrailer: boolean;
}

const MODES: readonly Mode[] = [
  { isSigned: true, hasTrailer: false },
  { isSigned: true, hasTrailer: true },
  { isSigned: false, hasTrailer: true },
];

const encode = (payload: Uint8Array, chunkBytes: number, mode: Mode): Buffer =>
  encodeAwsChunked(payload, {
    chunkBytes,
    ...(mode.isSigned ? { signing: signing(SEED) } : {}),
    ...(mode.hasTrailer ? { trailer: { name: CRC32_TRAILER, value: crc32Base64(payload) } } : {}),
  });

const decoderFor = (mode: Mode, decodedBytes: number, trailerName = CRC32_TRAILER): AwsChunkedDecoder =>
  new AwsChunkedDecoder({
    decodedBytes,
    signatures: mode.isSigned ? new ChunkSignatures(signing(SEED)) : undefined,
    trailerName: mode.hasTrailer ? trailerName : undefined,
  });

function crc32Base64(payload: Uint8Array): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(payload));
  return bytes.toString('base64');
}

/** Decodes pieces as a server would; what the trailer promises is checked, too. */
function decode(pieces: Iterable<Uint8Array>, decoder: AwsChunkedDecoder, hasTrailer: boolean): Buffer {
  const payload: Buffer[] = [];
  for (const piece of pieces) {
    decoder.push(piece);
    for (let data = decoder.next(); data !== undefined; data = decoder.next()) payload.push(Buffer.from(data));
  }
  decoder.end();
  const whole = Buffer.concat(payload);
  if (hasTrailer && decoder.trailerValue !== crc32Base64(whole)) throw new S3Error('BadDigest');
  return whole;
}

function refusal(run: () => unknown): S3Error {
  try {
    run();
  } catch (error) {
    if (error instanceof S3Error) return error;
    throw error;
  }
  throw new Error('was accepted');
}

function split(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const positions = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...positions, bytes.length].map((end, index) => bytes.subarray(positions[index - 1] ?? 0, end));
}

const payloads = fc.uint8Array({ maxLength: 300 });
const modes = fc.constantFrom(...MODES);
const chunkSizes = fc.integer({ min: 1, max: 120 });

describe('the examples that AWS publishes', () => {
  const payload = Buffer.alloc(66_560, 'a');
  const chunk = (size: number, signature: string): string => `${size.toString(16)};chunk-signature=${signature}\r\n`;

  it('decodes signed chunks', () => {
    const body = [
      chunk(65_536, 'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648'),
      `${'a'.repeat(65_536)}\r\n`,
      chunk(1024, '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497'),
      `${'a'.repeat(1024)}\r\n`,
      chunk(0, 'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9'),
      '\r\n',
    ].join('');
    expect(body).toHaveLength(66_824);
    const decoder = decoderFor({ isSigned: true, hasTrailer: false }, payload.length);
    expect(decode([Buffer.from(body)], decoder, false).equals(payload)).toBe(true);
  });

  it.each([
    ['as it is described', '\n\r\n', '\r\n\r\n'],
    ['as SDKs send it', '\r\n', '\r\n\r\n'],
    ['with bare line feeds', '\n', '\r\n\r\n'],
  ])('decodes signed chunks with a signed trailer, %s', (_, afterTrailer, afterSignature) => {
    const body = [
      chunk(65_536, 'b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2'),
      `${'a'.repeat(65_536)}\r\n`,
      chunk(1024, '1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7'),
      `${'a'.repeat(1024)}\r\n`,
      chunk(0, '2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992'),
      `x-amz-checksum-crc32c:sOO8/Q==${afterTrailer}`,
      `x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435${afterSignature}`,
    ].join('');
    const decoder = new AwsChunkedDecoder({
      decodedBytes: payload.length,
      signatures: new ChunkSignatures(signing('106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e')),
      trailerName: 'x-amz-checksum-crc32c',
    });
    expect(decode([Buffer.from(body)], decoder, false).equals(payload)).toBe(true);
    expect(decoder.trailerValue).toBe('sOO8/Q==');
  });
});

it('decodes any payload in any mode however it is split', () => {
  fc.assert(
    fc.property(
      payloads,
      modes,
      chunkSizes,
      fc.array(fc.nat({ max: 2000 }), { maxLength: 30 }),
      (payload, mode, chunkBytes, cuts) => {
        const pieces = split(encode(payload, chunkBytes, mode), cuts);
        const decoded = decode(pieces, decoderFor(mode, payload.length), mode.hasTrailer);
        expect(decoded.equals(payload)).toBe(true);
      },
    ),
  );
});

it('hands out views, not copies', () => {
  const body = encode(Buffer.from('payload'), 7, { isSigned: false, hasTrailer: true });
  const decoder = decoderFor({ isSigned: false, hasTrailer: true }, 7);
  decoder.push(body);
  expect(decoder.next()?.buffer).toBe(body.buffer);
});

it('refuses a body with any byte changed', () => {
  fc.assert(
    fc.property(
      payloads,
      modes,
      chunkSizes,
      fc.nat({ max: 100_000 }),
      fc.integer({ min: 1, max: 255 }),
      (payload, mode, chunkBytes, position, flip) => {
        const body = encode(payload, chunkBytes, mode);
        const index = position % body.length;
        const before = body.toString('latin1', index, index + 1);
        body[index] = (body[index] ?? 0) ^ flip;
        // Names and hexadecimal sizes mean the same in capitals; a signature doesn't, but is refused below.
        const isSameLetter = body.toString('latin1', index, index + 1).toLowerCase() === before.toLowerCase();
        fc.pre(!isSameLetter);
        const error = refusal(() => decode([body], decoderFor(mode, payload.length), mode.hasTrailer));
        expect(['IncompleteBody', 'SignatureDoesNotMatch', 'MalformedTrailerError', 'BadDigest']).toContain(error.code);
      },
    ),
    { numRuns: 1000 },
  );
});

it('refuses a signature in capitals', () => {
  const mode = { isSigned: true, hasTrailer: false };
  const body = encode(Buffer.from('a'), 1, mode)
    .toString('latin1')
    .replace(/=[0-9a-f]{64}/, (s) => s.toUpperCase());
  expect(refusal(() => decode([Buffer.from(body)], decoderFor(mode, 1), false)).code).toBe('SignatureDoesNotMatch');
});

it('refuses a body that is cut off anywhere, or goes on', () => {
  fc.assert(
    fc.property(payloads, modes, chunkSizes, fc.nat({ max: 100_000 }), (payload, mode, chunkBytes, length) => {
      const body = encode(payload, chunkBytes, mode);
      const cut = body.subarray(0, length % body.length);
      expect(refusal(() => decode([cut], decoderFor(mode, payload.length), mode.hasTrailer)).code).toBe(
        'IncompleteBody',
      );
      const longer = Buffer.concat([body, Buffer.from('\r\n')]);
      expect(refusal(() => decode([longer], decoderFor(mode, payload.length), mode.hasTrailer)).code).toBe(
        'IncompleteBody',
      );
    }),
  );
});

it('refuses another length than was announced, before it hands out more', () => {
  fc.assert(
    fc.property(payloads, modes, chunkSizes, fc.nat({ max: 400 }), (payload, mode, chunkBytes, announced) => {
      fc.pre(announced !== payload.length);
      const decoder = decoderFor(mode, announced);
      decoder.push(encode(payload, chunkBytes, mode));
      let handedOut = 0;
      const error = refusal(() => {
        for (let data = decoder.next(); data !== undefined; data = decoder.next()) handedOut += data.length;
        decoder.end();
      });
      expect(error.code).toBe('IncompleteBody');
      expect(handedOut).toBeLessThanOrEqual(announced);
    }),
  );
});

it('refuses signed chunks in another order', () => {
  const mode = { isSigned: true, hasTrailer: false };
  const body = encode(Buffer.from('aabbcc'), 2, mode);
  const chunkLength = body.indexOf('\r\n') + 2 + 2 + 2;
  const [first, second, rest] = [
    body.subarray(0, chunkLength),
    body.subarray(chunkLength, 2 * chunkLength),
    body.subarray(2 * chunkLength),
  ];
  expect(refusal(() => decode([second, first, rest], decoderFor(mode, 6), false)).code).toBe('SignatureDoesNotMatch');
});

it.each([
  ['an announced trailer that is missing', '0\r\n\r\n'],
  ['a trailer that was not announced', '0\r\nx-amz-checksum-sha1:AA==\r\n\r\n'],
  ['a trailer twice', '0\r\nx-amz-checksum-crc32:AAAAAA==\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n'],
  ['a trailer without a colon', '0\r\nx-amz-checksum-crc32\r\n\r\n'],
  ['a signature that was not announced', '0\r\nx-amz-checksum-crc32:AAAAAA==\r\nx-amz-trailer-signature:a\r\n\r\n'],
])('refuses %s', (_, body) => {
  const decoder = decoderFor({ isSigned: false, hasTrailer: true }, 0);
  expect(refusal(() => decode([Buffer.from(body)], decoder, true)).code).toBe('MalformedTrailerError');
});

it('refuses trailers whose signature is missing', () => {
  const mode = { isSigned: true, hasTrailer: true };
  const body = encode(Buffer.alloc(0), 1, mode).toString('latin1');
  const unsigned = body.slice(0, body.indexOf('x-amz-trailer-signature'));
  expect(refusal(() => decode([Buffer.from(`${unsigned}\r\n\r\n`)], decoderFor(mode, 0), true)).code).toBe(
    'MalformedTrailerError',
  );
});

it.each([
  ['a chunk header', '', 2000],
  ['a trailer', '0\r\nx-amz-checksum-crc32:', 20_000],
])('refuses %s that does not end, and keeps a bounded part of it', (_, start, length) => {
  const pieces = [start, ...Array.from({ length: length / 100 }, () => 'a'.repeat(100))].map((text) =>
    Buffer.from(text),
  );
  const decoder = decoderFor({ isSigned: false, hasTrailer: true }, 0);
  expect(refusal(() => decode(pieces, decoder, true)).message).toBe('The chunk framing is too long');
});

it('throws nothing but S3Error for garbage', () => {
  const token = fc.constantFrom(
    '0',
    '5',
    'ff',
    '\r\n',
    '\n',
    ';',
    'chunk-signature=',
    ':',
    'x-amz-checksum-crc32',
    '\0',
  );
  const garbage = fc.array(fc.oneof(token, fc.string({ maxLength: 4 })), { maxLength: 30 });
  fc.assert(
    fc.property(garbage, modes, fc.nat({ max: 20 }), (parts, mode, decodedBytes) => {
      const pieces = parts.map((part) => Buffer.from(part));
      refusal(() => {
        decode(pieces, decoderFor(mode, decodedBytes), true);
        throw new S3Error('BadDigest');
      });
    }),
    { numRuns: 1000 },
  );
});

it('counts the payload without its framing', async () => {
  const mode = { isSigned: true, hasTrailer: true };
  const counter = { bytesIn: 0 };
  async function* body(): AsyncGenerator<Uint8Array> {
    yield* split(encode(Buffer.from('payload'), 3, mode), [1, 50, 120]);
  }
  let text = '';
  for await (const piece of decodeAwsChunked(body(), decoderFor(mode, 7), counter)) {
    text += Buffer.from(piece).toString();
  }
  expect(text).toBe('payload');
  expect(counter.bytesIn).toBe(7);
});
