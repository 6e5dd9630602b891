import { GetObjectCommand } from '@aws-sdk/client-s3';
import { refusalOf } from '../raw-answer';
import { textOf, useS3 } from '../s3-suite';
import { presignedGet, presignedPut } from './presigned-target';
import { RawConnection } from './raw-connection';

describe('a request body on the wire', () => {
  const suite = useS3();

  async function put(key: string, headers: string): Promise<{ connection: RawConnection; bucket: string }> {
    const bucket = await suite.newBucket();
    const { target, host } = await presignedPut(suite.s3, bucket, key);
    const connection = await RawConnection.open(suite.vaultaire.s3Endpoint);
    connection.write(`PUT ${target} HTTP/1.1\r\nHost: ${host}\r\n${headers}\r\n`);
    return { connection, bucket };
  }

  async function stored(Bucket: string, Key: string): Promise<string> {
    return textOf(await suite.s3.send(new GetObjectCommand({ Bucket, Key })));
  }

  it('is asked for with 100 Continue when the request is allowed', async () => {
    const { connection, bucket } = await put('k', 'Content-Length: 5\r\nExpect: 100-continue\r\n');
    expect(await connection.response()).toMatchObject({ status: 100 });
    connection.write('hello');
    expect(await connection.response()).toMatchObject({ status: 200 });
    expect(await stored(bucket, 'k')).toBe('hello');
    connection.destroy();
  });

  it.each([
    ['an unsigned request', 'PUT /some-bucket/k HTTP/1.1', 403],
    ['an unknown sub-resource operation', 'PUT /some-bucket/k?torrent HTTP/1.1', 501],
    ['a key that is too long', `PUT /some-bucket/${'a'.repeat(1025)} HTTP/1.1`, 400],
  ])('is not asked for by %s, which closes the connection', async (_what, line, status) => {
    const connection = await RawConnection.open(suite.vaultaire.s3Endpoint);
    connection.write(`${line}\r\nHost: h\r\nContent-Length: 5000000\r\nExpect: 100-continue\r\n\r\n`);
    expect(await connection.response()).toMatchObject({ status, headers: { connection: 'close' } });
    await connection.untilClosed();
  });

  it('is not asked for when the bucket does not exist', async () => {
    const { target, host } = await presignedPut(suite.s3, 'no-such-bucket-here', 'k');
    const connection = await RawConnection.open(suite.vaultaire.s3Endpoint);
    connection.write(`PUT ${target} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n`);
    const response = await connection.response();
    expect(response).toMatchObject({ status: 404, headers: { connection: 'close' } });
    expect(response.body).toContain('<Code>NoSuchBucket</Code>');
    await connection.untilClosed();
  });

  it('may still be coming when its request is refused: the answer is read before the connection closes', async () => {
    const connection = await RawConnection.open(suite.vaultaire.s3Endpoint);
    connection.write(`PUT /some-bucket/k HTTP/1.1\r\nHost: h\r\nContent-Length: 800000\r\n\r\n`);
    connection.write('x'.repeat(400_000));
    const response = await connection.response();
    expect(response).toMatchObject({ status: 403, headers: { connection: 'close' } });
    connection.write('x'.repeat(400_000));
    await connection.untilClosed();
    expect(response.body).toContain('</Error>');
  });

  it('may come byte by byte', async () => {
    const { connection, bucket } = await put('slow', 'Content-Length: 8\r\n');
    for (const byte of 'in drops') {
      connection.write(byte);
      await new Promise(setImmediate);
    }
    expect(await connection.response()).toMatchObject({ status: 200 });
    expect(await stored(bucket, 'slow')).toBe('in drops');
    connection.destroy();
  });

  it('leaves nothing when it ends early', async () => {
    const { connection, bucket } = await put('short', 'Content-Length: 10\r\n');
    connection.write('only');
    connection.end();
    const { status, body } = await connection.response();
    expect(status).toBe(400);
    expect(body).toContain('<Code>IncompleteBody</Code>');
    await connection.untilClosed();
    const { code } = await refusalOf(suite.s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'short' })));
    expect(code).toBe('NoSuchKey');
  });

  it('leaves nothing when its chunks are broken', async () => {
    const { connection, bucket } = await put(
      'broken',
      'Transfer-Encoding: chunked\r\nx-amz-decoded-content-length: 5\r\n',
    );
    connection.write('zz\r\nhello\r\n0\r\n\r\n');
    expect((await connection.response()).status).toBeGreaterThanOrEqual(400);
    await connection.untilClosed();
    const { code } = await refusalOf(suite.s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'broken' })));
    expect(code).toBe('NoSuchKey');
  });

  it('is followed by the next request on the same connection, in order', async () => {
    const { connection, bucket } = await put('first', 'Content-Length: 3\r\n');
    const get = await presignedGet(suite.s3, bucket, 'first');
    connection.write('one');
    expect(await connection.response()).toMatchObject({ status: 200, headers: { 'content-length': '0' } });
    const line = `GET ${get.target} HTTP/1.1\r\nHost: ${get.host}\r\n\r\n`;
    connection.write(`${line}HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n${line}`);
    expect(await connection.response()).toMatchObject({ status: 200, body: 'one' });
    expect(await connection.response('HEAD')).toMatchObject({ status: 403, body: '' });
    expect(await connection.response()).toMatchObject({ status: 200, body: 'one' });
    expect(connection.pending).toBe('');
    connection.destroy();
  });
});
