import { useS3 } from '../s3-suite';
import { RawConnection } from './raw-connection';

describe('malformed HTTP', () => {
  const suite = useS3();

  it.each([
    ['no HTTP at all', 'hello\r\n\r\n', 'BadRequest'],
    ['an unknown method', 'FETCH / HTTP/1.1\r\nHost: h\r\n\r\n', 'BadRequest'],
    ['an unknown version', 'GET / HTTP/9.9\r\nHost: h\r\n\r\n', 'BadRequest'],
    ['a space in a header name', 'GET / HTTP/1.1\r\nHost: h\r\na b: c\r\n\r\n', 'BadRequest'],
    ['a content length that is no number', 'PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n', 'BadRequest'],
    [
      'two content lengths',
      'PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      'BadRequest',
    ],
    [
      'a length and chunks at once',
      'PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
      'BadRequest',
    ],
    [
      'huge headers',
      `GET / HTTP/1.1\r\nHost: h\r\nx-a: ${'a'.repeat(64 * 1024)}\r\n\r\n`,
      'RequestHeaderSectionTooLarge',
    ],
    ['many headers', `GET / HTTP/1.1\r\nHost: h\r\n${'x-a: b\r\n'.repeat(20_000)}\r\n`, 'RequestHeaderSectionTooLarge'],
    ['a huge target', `GET /${'a'.repeat(64 * 1024)} HTTP/1.1\r\nHost: h\r\n\r\n`, 'RequestHeaderSectionTooLarge'],
  ])('gets %s answered with an error document, and closes', async (_what, request, code) => {
    const connection = await RawConnection.open(suite.vaultaire.s3Endpoint);
    connection.write(request);
    const { status, headers, body } = await connection.response();
    expect(status).toBe(400);
    expect(headers).toMatchObject({ 'content-type': 'application/xml', connection: 'close' });
    expect(body).toMatch(
      new RegExp(
        `^<\\?xml [^]*<Error><Code>${code}</Code><Message>[^<]+</Message><RequestId>${headers['x-amz-request-id'] ?? '-'}</RequestId>`,
      ),
    );
    await connection.untilClosed();
  });

  it.each([
    ['no host', 'GET / HTTP/1.1\r\n\r\n', 400, 'MissingSecurityHeader'],
    [
      'an expectation that nobody knows, as if it were not there',
      'GET / HTTP/1.1\r\nHost: h\r\nExpect: wonders\r\n\r\n',
      403,
      'AccessDenied',
    ],
    ['broken percent-encoding', 'GET /b/%zz HTTP/1.1\r\nHost: h\r\n\r\n', 400, 'InvalidURI'],
    ['a key that is not UTF-8', 'GET /b/%ff HTTP/1.1\r\nHost: h\r\n\r\n', 400, 'InvalidURI'],
    ['a key that is too long', `GET /b/${'a'.repeat(1025)} HTTP/1.1\r\nHost: h\r\n\r\n`, 400, 'KeyTooLongError'],
    ['a method that S3 does not have', 'PATCH /b/k HTTP/1.1\r\nHost: h\r\n\r\n', 405, 'MethodNotAllowed'],
    ['no signature', 'GET /b/k HTTP/1.1\r\nHost: h\r\n\r\n', 403, 'AccessDenied'],
    ['a target in absolute form', 'GET http://h/b/k HTTP/1.1\r\nHost: x\r\n\r\n', 403, 'AccessDenied'],
  ])('refuses %s and keeps the connection', async (_what, request, status, code) => {
    const connection = await RawConnection.open(suite.vaultaire.s3Endpoint);
    for (let round = 0; round < 2; round++) {
      connection.write(request);
      const response = await connection.response();
      expect(response).toMatchObject({ status, headers: { server: 'Vaultaire' } });
      expect(response.body).toContain(`<Code>${code}</Code>`);
    }
    connection.destroy();
  });

  it('keeps the routes of the other plane and its own inner ones to itself', async () => {
    const connection = await RawConnection.open(suite.vaultaire.s3Endpoint);
    for (const path of ['/metrics', '/docs', '/api/v1/tenants', '/health/ready', '/_s3/ListBuckets', '/_s3/-']) {
      connection.write(`GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`);
      expect(await connection.response()).toMatchObject({ status: 403, body: expect.stringContaining('AccessDenied') });
    }
    connection.destroy();
  });
});
