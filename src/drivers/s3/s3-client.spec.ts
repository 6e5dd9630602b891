import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { kindOf } from '../../../test/conformance/describe-driver';
import { s3Settings } from './profiles';
import type { S3Overrides, S3ProfileName } from './profiles';
import { S3Client } from './s3-client';

const credentials = { accessKeyId: 'simulated', secretAccessKey: 'secret' };

/** The first bytes that a client with these settings sends to its backend, which then hangs up. */
async function firstBytes(
  scheme: 'http' | 'https',
  profile: S3ProfileName,
  overrides: S3Overrides = {},
): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const endpoint = `${scheme}://127.0.0.1:${String(port)}`;
  const client = new S3Client(
    s3Settings('s3', profile, { endpoint, region: 'eu-west-1', bucket: 'blobs', ...overrides }, credentials),
  );
  const received = new Promise<Buffer>((resolve) => {
    server.once('connection', (socket) => {
      socket.on('error', () => undefined);
      socket.once('data', (bytes) => {
        socket.destroy();
        resolve(bytes);
      });
    });
  });
  const signal = new AbortController().signal;
  const kind = kindOf(client.send({ method: 'GET', objectKey: 'a b/é', query: { 'list-type': '2' } }, { signal }));
  const bytes = await received;
  expect(await kind).toBe('Unavailable');
  await client.close();
  server.close();
  return bytes;
}

describe('the S3 client', () => {
  it('does not offer HTTP/2 to backends that are pinned to HTTP/1.1', async () => {
    const hello = await firstBytes('https', 'lyve');
    expect(hello.includes('\x08http/1.1')).toBe(true);
    expect(hello.includes('\x02h2')).toBe(false);
  });

  it('offers HTTP/2 where the profile allows any version', async () => {
    expect((await firstBytes('https', 'r2')).includes('\x02h2')).toBe(true);
  });

  it('names the bucket in the path, or leaves it to the host', async () => {
    const byPath = (await firstBytes('http', 'generic')).toString();
    expect(byPath).toMatch(/^GET \/blobs\/a%20b\/%C3%A9\?list-type=2 HTTP\/1\.1\r\n/);
    expect(byPath).toMatch(/Credential=simulated\/\d{8}\/eu-west-1\/s3\/aws4_request/);
    expect(byPath).not.toContain('secret');
  });
});

describe('the settings of a driver', () => {
  it('are the profile with what is given on top', () => {
    const settings = s3Settings('a', 'quotaless', { endpoint: 'https://q.example/', stallMs: 1234 }, credentials);
    expect(settings).toMatchObject({
      endpoint: 'https://q.example',
      bucket: 'data',
      keyPrefix: 'personal-files/',
      hasMultipart: false,
      hasListV2: false,
      targetConcurrency: 16,
      stallMs: 1234,
    });
  });

  it('fill the region into the endpoint', () => {
    const settings = s3Settings('a', 'lyve', { region: 'eu-west-1', bucket: 'b' }, credentials);
    expect(settings.endpoint).toBe('https://s3.eu-west-1.global.lyve.seagate.com');
  });

  it('say what the profile leaves open', () => {
    expect(() => s3Settings('a', 'minio', { bucket: 'b' }, credentials)).toThrow('endpoint must be given');
    expect(() => s3Settings('a', 'idrive', { endpoint: 'https://i.example', bucket: 'b' }, credentials)).toThrow(
      'region must be given',
    );
    expect(() => s3Settings('a', 'aws', { region: 'eu-west-1' }, credentials)).toThrow('bucket must be given');
  });
});
