import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { digestOf } from '../../engine/blobs/digests';
import { S3Error } from '../errors/s3-error';
import type { PayloadMode } from '../http/s3-request';
import { encodeAwsChunked } from './encode-aws-chunked.fixture';
import { openPayload, readVerifiedBody } from './payload-body';
import { PayloadServer, SIGNING, store, UNSIGNED } from './payload-server.fixture';

const HELLO = Buffer.from('hello');
const md5 = (data: Uint8Array): string => createHash('md5').update(data).digest('base64');
const sha256Hex = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');
const crc32Base64 = (data: Uint8Array): string => digestOf('crc32', data).toString('base64');
const UNSIGNED_TRAILER: PayloadMode = { kind: 'streaming-unsigned-trailer' };
const withTrailer = (value: string): Buffer =>
  encodeAwsChunked(HELLO, { chunkBytes: 3, trailer: { name: 'x-amz-checksum-crc32', value } });

const refusedWith = (code: string, message = /./): object =>
  expect.objectContaining({ name: 'S3Error', code, message: expect.stringMatching(message) });

const server = new PayloadServer();
const send: PayloadServer['send'] = (...sent) => server.send(...sent);

beforeAll(() => server.start());
afterEach(() => {
  server.disconnectAll();
});
afterAll(() => {
  server.stop();
});

async function put(headers: Record<string, string>, body: Uint8Array, payload: PayloadMode): Promise<string> {
  const { request } = await send({ 'content-length': String(body.length), ...headers }, body, payload);
  return store(openPayload(request));
}

describe('the body of an object', () => {
  it.each<[string, Record<string, string>, Uint8Array, PayloadMode]>([
    ['plain', {}, HELLO, UNSIGNED],
    ['with its hash', {}, HELLO, { kind: 'hash', sha256Hex: sha256Hex(HELLO) }],
    ['with Content-MD5', { 'content-md5': md5(HELLO) }, HELLO, UNSIGNED],
    [
      'in signed chunks',
      { 'x-amz-decoded-content-length': '5' },
      encodeAwsChunked(HELLO, { chunkBytes: 2, signing: SIGNING }),
      { kind: 'streaming-signed', hasTrailer: false },
    ],
    [
      'in signed chunks with a trailer',
      { 'x-amz-decoded-content-length': '5', 'x-amz-trailer': 'x-amz-checksum-crc32' },
      encodeAwsChunked(HELLO, {
        chunkBytes: 2,
        signing: SIGNING,
        trailer: { name: 'x-amz-checksum-crc32', value: 'NhCmhg==' },
      }),
      { kind: 'streaming-signed', hasTrailer: true },
    ],
    [
      'in unsigned chunks with a trailer',
      {
        'x-amz-decoded-content-length': '5',
        'x-amz-trailer': 'x-amz-checksum-crc32',
        'x-amz-sdk-checksum-algorithm': 'CRC32',
      },
      withTrailer('NhCmhg=='),
      UNSIGNED_TRAILER,
    ],
  ])('arrives %s', async (_, headers, body, payload) => {
    expect(await put(headers, body, payload)).toBe('hello');
  });

  it('arrives in HTTP chunks when its decoded length is known', async () => {
    const body = withTrailer('NhCmhg==');
    const { request } = await send(
      {
        'transfer-encoding': 'chunked',
        'x-amz-decoded-content-length': '5',
        'x-amz-trailer': 'x-amz-checksum-crc32',
      },
      Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')]),
      UNSIGNED_TRAILER,
    );
    const incoming = openPayload(request);
    expect(incoming.sizeBytes).toBe(5);
    expect(incoming.storedChecksum).toBe('CRC32');
    expect(await store(incoming)).toBe('hello');
    expect(request.record.bytesIn).toBe(5);
  });

  it.each([
    'crc32',
    'crc32c',
    'crc64nvme',
    'sha1',
    'sha256',
    'sha512',
    'md5',
    'xxhash64',
    'xxhash3',
    'xxhash128',
  ] as const)('is verified by x-amz-checksum-%s', async (algorithm) => {
    const header = `x-amz-checksum-${algorithm}`;
    const right = digestOf(algorithm, HELLO).toString('base64');
    const wrong = digestOf(algorithm, Buffer.from('other')).toString('base64');
    expect(await put({ [header]: right }, HELLO, UNSIGNED)).toBe('hello');
    await expect(put({ [header]: wrong }, HELLO, UNSIGNED)).rejects.toEqual(
      refusedWith('BadDigest', /did not match the calculated checksum/),
    );
  });

  it('stores CRC64NVME where the client brought no checksum', async () => {
    const { request } = await send({ 'content-length': '0' }, Buffer.alloc(0), UNSIGNED);
    const body = openPayload(request);
    expect(body.storedChecksum).toBe('CRC64NVME');
    expect(await store(body)).toBe('');
  });

  it('arrives whole when it comes in many pieces', async () => {
    const large = Buffer.alloc(3_000_000, 'abcdefg');
    const { request } = await send({ 'content-length': String(large.length) }, large, UNSIGNED);
    expect(crc32(await store(openPayload(request)))).toBe(crc32(large));
    expect(request.record.bytesIn).toBe(large.length);
    expect(request.message.readableEnded).toBe(true);
  });
});

describe('a body that breaks its promise', () => {
  it.each<[string, Record<string, string>, Uint8Array, PayloadMode, string, RegExp]>([
    ['its hash', {}, HELLO, { kind: 'hash', sha256Hex: sha256Hex(Buffer.from('x')) }, 'XAmzContentSHA256Mismatch', /./],
    [
      'its MD5',
      { 'content-md5': md5(Buffer.from('x')) },
      HELLO,
      UNSIGNED,
      'BadDigest',
      /The Content-MD5 you specified/,
    ],
    [
      'its trailer',
      { 'x-amz-decoded-content-length': '5', 'x-amz-trailer': 'x-amz-checksum-crc32' },
      withTrailer('AAAAAA=='),
      UNSIGNED_TRAILER,
      'BadDigest',
      /The CRC32 you specified did not match the calculated checksum\./,
    ],
    [
      'the form of its trailer',
      { 'x-amz-decoded-content-length': '5', 'x-amz-trailer': 'x-amz-checksum-crc32' },
      withTrailer('AAAAAA'),
      UNSIGNED_TRAILER,
      'InvalidRequest',
      /Value for x-amz-checksum-crc32 trailing header is invalid\./,
    ],
    [
      'its decoded length',
      { 'x-amz-decoded-content-length': '6', 'x-amz-trailer': 'x-amz-checksum-crc32' },
      withTrailer('NhCmhg=='),
      UNSIGNED_TRAILER,
      'IncompleteBody',
      /./,
    ],
  ])('is refused for %s', async (_, headers, body, payload, code, message) => {
    await expect(put(headers, body, payload)).rejects.toEqual(refusedWith(code, message));
  });

  it('tells both hashes', async () => {
    const promised = sha256Hex(Buffer.from('x'));
    const error: unknown = await put({}, HELLO, { kind: 'hash', sha256Hex: promised }).catch((e: unknown) => e);
    expect(error).toMatchObject({
      fields: { ClientComputedContentSHA256: promised, S3ComputedContentSHA256: sha256Hex(HELLO) },
    });
  });
});

describe('headers that are refused before a byte is read', () => {
  it.each<[string, Record<string, string>, PayloadMode, string, RegExp]>([
    ['no length', {}, UNSIGNED, 'MissingContentLength', /./],
    [
      'no decoded length',
      { 'content-length': '5', 'x-amz-trailer': 'x-amz-checksum-crc32' },
      UNSIGNED_TRAILER,
      'MissingContentLength',
      /./,
    ],
    [
      'a malformed decoded length',
      { 'content-length': '5', 'x-amz-decoded-content-length': '-1', 'x-amz-trailer': 'x-amz-checksum-crc32' },
      UNSIGNED_TRAILER,
      'InvalidArgument',
      /./,
    ],
    ['HTTP chunks of unknown length', { 'transfer-encoding': 'chunked' }, UNSIGNED, 'NotImplemented', /./],
    ['more than 5 GiB', { 'content-length': '5368709121' }, UNSIGNED, 'EntityTooLarge', /./],
    ['an empty Content-MD5', { 'content-length': '5', 'content-md5': '' }, UNSIGNED, 'InvalidDigest', /./],
    [
      'a short Content-MD5',
      { 'content-length': '5', 'content-md5': 'YWJyYWNhZGFicmE=' },
      UNSIGNED,
      'InvalidDigest',
      /./,
    ],
    [
      'a malformed checksum',
      { 'content-length': '5', 'x-amz-checksum-crc32': 'AAAA' },
      UNSIGNED,
      'InvalidRequest',
      /^Value for x-amz-checksum-crc32 header is invalid\.$/,
    ],
    [
      'an unknown checksum',
      { 'content-length': '5', 'x-amz-checksum-crc16': 'AAAA' },
      UNSIGNED,
      'InvalidRequest',
      /algorithm type/,
    ],
    [
      'two checksums',
      { 'content-length': '5', 'x-amz-checksum-crc32': 'AAAAAA==', 'x-amz-checksum-crc32c': 'AAAAAA==' },
      UNSIGNED,
      'InvalidRequest',
      /Expecting a single x-amz-checksum- header/,
    ],
    [
      'an SDK algorithm without checksum',
      { 'content-length': '5', 'x-amz-sdk-checksum-algorithm': 'CRC32' },
      UNSIGNED,
      'InvalidRequest',
      /no corresponding/,
    ],
    [
      'another SDK algorithm',
      { 'content-length': '5', 'x-amz-sdk-checksum-algorithm': 'SHA1', 'x-amz-checksum-crc32': 'AAAAAA==' },
      UNSIGNED,
      'InvalidRequest',
      /x-amz-sdk-checksum-algorithm header is invalid/,
    ],
    [
      'an unknown SDK algorithm',
      { 'content-length': '5', 'x-amz-sdk-checksum-algorithm': 'X' },
      UNSIGNED,
      'InvalidRequest',
      /x-amz-sdk-checksum-algorithm header is invalid/,
    ],
    [
      'a trailer that is no checksum',
      { 'content-length': '5', 'x-amz-trailer': 'x-foo' },
      UNSIGNED_TRAILER,
      'InvalidRequest',
      /x-amz-trailer/,
    ],
    ['a trailer mode without trailer', { 'content-length': '5' }, UNSIGNED_TRAILER, 'MalformedTrailerError', /./],
    [
      'a trailer without trailer mode',
      { 'content-length': '5', 'x-amz-trailer': 'x-amz-checksum-crc32' },
      UNSIGNED,
      'InvalidRequest',
      /x-amz-trailer/,
    ],
  ])('%s', async (_, headers, payload, code, message) => {
    const { request } = await send({ expect: '100-continue', ...headers }, Buffer.alloc(0), payload);
    expect(() => openPayload(request)).toThrow(S3Error);
    try {
      openPayload(request);
    } catch (error) {
      expect(error).toEqual(refusedWith(code, message));
    }
    expect(request.message.readableFlowing).toBeNull();
  });
});

describe('a document', () => {
  const read = async (
    headers: Record<string, string>,
    maxBytes = 100,
    options = {},
    operationName = 'DeleteObjects',
  ): Promise<string> => {
    const { request } = await send({ 'content-length': '5', ...headers }, HELLO, UNSIGNED, operationName);
    return (await readVerifiedBody(request, maxBytes, options)).toString();
  };

  it('is read and verified', async () => {
    expect(await read({ 'content-md5': md5(HELLO) })).toBe('hello');
    await expect(read({ 'content-md5': md5(Buffer.from('x')) })).rejects.toEqual(refusedWith('BadDigest'));
  });

  it('may be absent', async () => {
    const { request } = await send({}, Buffer.alloc(0), UNSIGNED, 'CreateBucket');
    expect(await readVerifiedBody(request, 100)).toHaveLength(0);
  });

  it('is refused when it is too long', async () => {
    await expect(read({}, 4)).rejects.toEqual(refusedWith('MaxMessageLengthExceeded'));
  });

  it('needs a digest where S3 demands one', async () => {
    const options = { requiresDigest: true };
    await expect(read({}, 100, options)).rejects.toEqual(refusedWith('InvalidRequest', /Content-MD5/));
    expect(await read({ 'x-amz-checksum-crc32': crc32Base64(HELLO) }, 100, options)).toBe('hello');
  });

  it('is not measured by the checksum of the object that it completes', async () => {
    expect(await read({ 'x-amz-checksum-crc32': 'AAAAAA==' }, 100, {}, 'CompleteMultipartUpload')).toBe('hello');
  });
});
