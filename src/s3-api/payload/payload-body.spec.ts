import { createHash } from 'node:crypto';
import { once } from 'node:events';
import * as http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import * as net from 'node:net';
import { crc32 } from 'node:zlib';
import { tenantId, userId } from '../../context/ids';
import { RequestRecord } from '../../context/request-record';
import type { IncomingBody } from '../../engine/artifacts/artifact.types';
import { digestOf, initDigests } from '../../engine/blobs/digests';
import { deriveSigningKey } from '../auth/signing-key';
import { S3Error } from '../errors/s3-error';
import { expectContinue } from '../http/continue';
import { RawQuery } from '../http/raw-query';
import type { ChunkSigning, PayloadMode, S3Request } from '../http/s3-request';
import { findOperation } from '../operations/operation-catalogue';
import { encodeAwsChunked } from './encode-aws-chunked.fixture';
import { openPayload, readVerifiedBody } from './payload-body';
import { BodyAbortedError } from './request-bytes';

const SIGNING: ChunkSigning = {
  signingKey: deriveSigningKey('secret', { date: '20130524', region: 'us-east-1' }),
  scope: '20130524/us-east-1/s3/aws4_request',
  timestamp: '20130524T000000Z',
  seedSignatureHex: '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
};
const HELLO = Buffer.from('hello');
const md5 = (data: Uint8Array): string => createHash('md5').update(data).digest('base64');
const sha256Hex = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');
const crc32Base64 = (data: Uint8Array): string => digestOf('crc32', data).toString('base64');
const UNSIGNED: PayloadMode = { kind: 'unsigned' };
const UNSIGNED_TRAILER: PayloadMode = { kind: 'streaming-unsigned-trailer' };
const withTrailer = (value: string): Buffer =>
  encodeAwsChunked(HELLO, { chunkBytes: 3, trailer: { name: 'x-amz-checksum-crc32', value } });

let server: http.Server;
let handle: (message: http.IncomingMessage, response: http.ServerResponse) => void;
const open = new Set<Socket>();

beforeAll(async () => {
  await initDigests();
  server = http.createServer((message, response) => {
    handle(message, response);
  });
  server.on('checkContinue', (message, response) => {
    expectContinue(message);
    handle(message, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(() => {
  for (const socket of open) socket.destroy();
  open.clear();
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function connect(): Socket {
  const socket = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
  open.add(socket);
  socket.on('error', () => undefined);
  return socket;
}

interface Sent {
  readonly request: S3Request;
  readonly socket: Socket;
  readonly stop: AbortController;
}

/** Sends a PUT with these headers and as much of its body as is given, and answers what the server made of it. */
async function send(
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
  payload: PayloadMode,
  operationName = 'PutObject',
): Promise<Sent> {
  const received = new Promise<[http.IncomingMessage, http.ServerResponse]>((resolve) => {
    handle = (message, response) => {
      resolve([message, response]);
    };
  });
  const socket = connect();
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(Buffer.concat([Buffer.from(`PUT /b/k HTTP/1.1\r\nHost: h\r\n${lines.join('')}\r\n`), body]));
  const [message, response] = await received;
  const operation = findOperation(operationName);
  if (operation === undefined) throw new Error(operationName);
  const stop = new AbortController();
  const principal = {
    kind: 'user',
    userId: userId('u'),
    accessKeyId: 'a',
    canonicalId: 'c',
    displayName: 'd',
  } as const;
  const tenant = tenantId('t');
  const request: S3Request = {
    id: 'id',
    record: new RequestRecord('id', operationName),
    operation,
    bucket: undefined,
    key: undefined,
    query: RawQuery.EMPTY,
    rawPath: '/b/k',
    rawQuery: '',
    message,
    response,
    isVirtualHosted: false,
    identity: {
      tenantId: tenant,
      principal,
      payload,
      chunkSigning: payload.kind === 'streaming-signed' ? SIGNING : undefined,
    },
    ctx: {
      requestId: 'id',
      operation: operationName,
      tenantId: tenant,
      principal,
      signal: stop.signal,
      deadlineMs: undefined,
      observer: undefined,
    },
  };
  return { request, socket, stop };
}

async function store(body: IncomingBody): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of body.source) chunks.push(Buffer.from(chunk));
  const whole = Buffer.concat(chunks);
  for (const { algorithm, verify } of body.expectations) verify(digestOf(algorithm, whole));
  return whole.toString();
}

async function put(headers: Record<string, string>, body: Uint8Array, payload: PayloadMode): Promise<string> {
  const { request } = await send({ 'content-length': String(body.length), ...headers }, body, payload);
  return store(openPayload(request));
}

const refusedWith = (code: string, message = /./): object =>
  expect.objectContaining({ name: 'S3Error', code, message: expect.stringMatching(message) });

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

describe('a body that has to be waited for', () => {
  it('is asked for when the first byte is pulled, not sooner', async () => {
    const { request, socket } = await send(
      { 'content-length': '5', expect: '100-continue' },
      Buffer.alloc(0),
      UNSIGNED,
    );
    const body = openPayload(request);
    expect(socket.bytesRead).toBe(0);
    const stored = store(body);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    socket.write('hello');
    expect(await stored).toBe('hello');
  });

  it('fails at once when the client leaves', async () => {
    const { request, socket } = await send({ 'content-length': '10' }, HELLO, UNSIGNED);
    const iterator = openPayload(request).source[Symbol.asyncIterator]();
    await iterator.next();
    const next = iterator.next();
    socket.destroy();
    await expect(next).rejects.toBeInstanceOf(BodyAbortedError);
  });

  it('fails when the client had left before', async () => {
    const { request, socket } = await send({ 'content-length': '10' }, HELLO, UNSIGNED);
    const closed = new Promise((resolve) => request.message.once('close', resolve));
    socket.destroy();
    await closed;
    await expect(store(openPayload(request))).rejects.toBeInstanceOf(BodyAbortedError);
  });

  it('fails with the reason of the abort signal', async () => {
    const { request, stop } = await send({ 'content-length': '10' }, HELLO, UNSIGNED);
    const stored = store(openPayload(request));
    stop.abort(new S3Error('RequestTimeout'));
    await expect(stored).rejects.toEqual(refusedWith('RequestTimeout'));
  });

  it('can be left early, and the refusal still be answered', async () => {
    const { request, socket } = await send({ 'content-length': '10' }, HELLO, UNSIGNED);
    for await (const chunk of openPayload(request).source) {
      expect(Buffer.from(chunk).toString()).toBe('hello');
      break;
    }
    request.response.writeHead(400, { connection: 'close' }).end();
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 400 /);
  });

  it('makes a client wait that sends faster than bytes are pulled', async () => {
    const { request, socket } = await send({ 'content-length': '50000000' }, HELLO, UNSIGNED);
    const iterator = openPayload(request).source[Symbol.asyncIterator]();
    await iterator.next();
    const flushed = new Promise((resolve) => socket.write(Buffer.alloc(49_999_995), resolve));
    let isFlushed = false;
    void flushed.then(() => (isFlushed = true));
    await once(request.message, 'pause');
    expect(isFlushed).toBe(false);
    let received = 5;
    for (let step = await iterator.next(); step.done !== true; step = await iterator.next())
      received += step.value.length;
    expect(received).toBe(50_000_000);
  });
});

it('leaves the connection ready for the next request', async () => {
  const bodies: string[] = [];
  const first = await send({ 'content-length': '5' }, HELLO, UNSIGNED);
  bodies.push(await store(openPayload(first.request)));
  first.request.response.end();
  await once(first.socket, 'data');
  const second = new Promise<string>((resolve) => {
    handle = (message) => {
      resolve(message.url ?? '');
    };
  });
  first.socket.write('GET /next HTTP/1.1\r\nHost: h\r\n\r\n');
  expect(await second).toBe('/next');
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
