import { once } from 'node:events';
import { S3Error } from '../errors/s3-error';
import { openPayload } from './payload-body';
import { PayloadServer, store, UNSIGNED } from './payload-server.fixture';
import { BodyAbortedError } from './request-bytes';

const HELLO = Buffer.from('hello');
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
  const first = await send({ 'content-length': '5' }, HELLO, UNSIGNED);
  expect(await store(openPayload(first.request))).toBe('hello');
  first.request.response.end();
  await once(first.socket, 'data');
  const second = server.nextTarget();
  first.socket.write('GET /next HTTP/1.1\r\nHost: h\r\n\r\n');
  expect(await second).toBe('/next');
});
