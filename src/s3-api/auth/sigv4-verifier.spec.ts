import * as fc from 'fast-check';
import type { SignedRequest } from './signature-claim';
import { ACCESS_KEY, check, refusal, SECRET_KEY, SIGNED_AT, signedRequest } from './signed-request.fixture';
import { SigV4Verifier } from './sigv4-verifier';

const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const CREDENTIAL = `Credential=${ACCESS_KEY}/20130524/us-east-1/s3/aws4_request`;

const getObject = (changes: Record<string, string | undefined> = {}, target = '/test.txt'): SignedRequest =>
  signedRequest('GET', target, {
    host: 'examplebucket.s3.amazonaws.com',
    range: 'bytes=0-9',
    'x-amz-content-sha256': EMPTY_SHA256,
    'x-amz-date': '20130524T000000Z',
    authorization: `AWS4-HMAC-SHA256 ${CREDENTIAL},SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41`,
    ...changes,
  });

const presigned = (changes: Record<string, string> = {}, headers: Record<string, string> = {}): SignedRequest => {
  const parameters = {
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `${ACCESS_KEY}%2F20130524%2Fus-east-1%2Fs3%2Faws4_request`,
    'X-Amz-Date': '20130524T000000Z',
    'X-Amz-Expires': '86400',
    'X-Amz-SignedHeaders': 'host',
    'X-Amz-Signature': 'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
    ...changes,
  };
  const query = Object.entries(parameters).map(([name, value]) => `${name}=${value}`);
  return signedRequest('GET', `/test.txt?${query.join('&')}`, { host: 'examplebucket.s3.amazonaws.com', ...headers });
};

describe('the examples that AWS publishes', () => {
  it('verifies GET Object', () => {
    expect(check(getObject()).payload).toEqual({ kind: 'hash', sha256Hex: EMPTY_SHA256 });
  });

  it('verifies PUT Object with an encoded key and a Date header', () => {
    const sha256 = '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072';
    const request = signedRequest('PUT', '/test%24file.text', {
      host: 'examplebucket.s3.amazonaws.com',
      date: 'Fri, 24 May 2013 00:00:00 GMT',
      'x-amz-content-sha256': sha256,
      'x-amz-date': '20130524T000000Z',
      'x-amz-storage-class': 'REDUCED_REDUNDANCY',
      authorization: `AWS4-HMAC-SHA256 ${CREDENTIAL},SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd`,
    });
    expect(check(request).payload).toEqual({ kind: 'hash', sha256Hex: sha256 });
  });

  it.each([
    ['/?lifecycle', 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543'],
    ['/?max-keys=2&prefix=J', '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7'],
    ['/?prefix=J&max-keys=2', '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7'],
  ])('verifies GET %s', (target, signature) => {
    const authorization = `AWS4-HMAC-SHA256 ${CREDENTIAL},SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature=${signature}`;
    expect(() => check(getObject({ range: undefined, authorization }, target))).not.toThrow();
  });

  it('verifies a presigned URL', () => {
    expect(check(presigned()).payload).toEqual({ kind: 'unsigned' });
  });

  it('verifies the seed of a chunked upload and hands on what the chunks are signed with', () => {
    const seedSignatureHex = '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9';
    const verified = check(
      signedRequest('PUT', '/examplebucket/chunkObject.txt', {
        host: 's3.amazonaws.com',
        'x-amz-date': '20130524T000000Z',
        'x-amz-storage-class': 'REDUCED_REDUNDANCY',
        'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
        'content-encoding': 'aws-chunked',
        'x-amz-decoded-content-length': '66560',
        'content-length': '66824',
        authorization: `AWS4-HMAC-SHA256 ${CREDENTIAL},SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class,Signature=${seedSignatureHex}`,
      }),
    );
    expect(verified.payload).toEqual({ kind: 'streaming-signed', hasTrailer: false });
    expect(verified.chunkSigning).toMatchObject({
      scope: '20130524/us-east-1/s3/aws4_request',
      timestamp: '20130524T000000Z',
      seedSignatureHex,
    });
  });
});

describe('a refused signature', () => {
  it('shows what the server signed', () => {
    const error = refusal(() => check(getObject(), {}, 'another secret'));
    expect(error.code).toBe('SignatureDoesNotMatch');
    expect(error.fields).toEqual({
      AWSAccessKeyId: ACCESS_KEY,
      SignatureProvided: 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
      StringToSign:
        'AWS4-HMAC-SHA256\n20130524T000000Z\n20130524/us-east-1/s3/aws4_request\n7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972',
      StringToSignBytes: expect.stringMatching(/^41 57 53 34 2d /),
      CanonicalRequest: `GET\n/test.txt\n\nhost:examplebucket.s3.amazonaws.com\nrange:bytes=0-9\nx-amz-content-sha256:${EMPTY_SHA256}\nx-amz-date:20130524T000000Z\n\nhost;range;x-amz-content-sha256;x-amz-date\n${EMPTY_SHA256}`,
      CanonicalRequestBytes: expect.stringMatching(/^47 45 54 0a 2f /),
    });
  });

  it.each([
    ['another path', getObject({}, '/test.txt2')],
    ['another query', getObject({}, '/test.txt?x')],
    ['another header value', getObject({ range: 'bytes=0-8' })],
    ['another host', getObject({ host: 'b.s3.amazonaws.com' })],
    ['another payload hash', getObject({ 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' })],
    ['a signature that is no hexadecimal', presigned({ 'X-Amz-Signature': '%C3%A9'.repeat(32) })],
  ])('comes of %s', (_, request) => {
    expect(refusal(() => check(request)).code).toBe('SignatureDoesNotMatch');
  });

  it('is tried again with the public hosts when a proxy replaced the host', () => {
    const request = getObject({ host: '10.0.0.1:8080' });
    expect(refusal(() => check(request)).code).toBe('SignatureDoesNotMatch');
    expect(() => check(request, { publicHosts: ['x.example', 'examplebucket.s3.amazonaws.com'] })).not.toThrow();
  });
});

describe('what is refused before the secret is looked at', () => {
  const refusals: [string, SignedRequest, string, RegExp?][] = [
    ['no signature at all', getObject({ authorization: undefined }), 'AccessDenied'],
    ['an empty authorization', getObject({ authorization: '' }), 'AccessDenied'],
    ['another scheme', getObject({ authorization: 'Basic Zm9v' }), 'InvalidArgument', /Unsupported Authorization Type/],
    [
      'signature v2',
      getObject({ authorization: 'AWS AKIA:sig=' }),
      'InvalidRequest',
      /The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256./,
    ],
    [
      'a URL presigned with v2',
      getObject({ authorization: undefined }, '/k?AWSAccessKeyId=a&Expires=1&Signature=s'),
      'InvalidRequest',
    ],
    ['two mechanisms', getObject({}, '/test.txt?X-Amz-Signature=a'), 'InvalidArgument', /Only one auth mechanism/],
    [
      'signature v4a',
      getObject({ authorization: 'AWS4-ECDSA-P256-SHA256 Credential=a, SignedHeaders=host, Signature=b' }),
      'NotImplemented',
    ],
    [
      'no credential',
      getObject({ authorization: 'AWS4-HMAC-SHA256 SignedHeaders=host, Signature=a' }),
      'AuthorizationHeaderMalformed',
    ],
    ['an unknown component', getObject({ authorization: 'AWS4-HMAC-SHA256 foo' }), 'AuthorizationHeaderMalformed'],
    [
      'a short scope',
      getObject({
        authorization: 'AWS4-HMAC-SHA256 Credential=a/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=a',
      }),
      'AuthorizationHeaderMalformed',
      /expecting "<YOUR-AKID>\/YYYYMMDD\/REGION\/SERVICE\/aws4_request"/,
    ],
    [
      'another service',
      getObject({
        authorization:
          'AWS4-HMAC-SHA256 Credential=a/20130524/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=a',
      }),
      'AuthorizationHeaderMalformed',
      /incorrect service "ec2"/,
    ],
    [
      'another day in the scope',
      getObject({
        authorization:
          'AWS4-HMAC-SHA256 Credential=a/20130523/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=a',
      }),
      'AuthorizationHeaderMalformed',
      /Invalid credential date/,
    ],
    ['no date', getObject({ 'x-amz-date': undefined }), 'AccessDenied', /valid Date or x-amz-date/],
    ['a malformed date', getObject({ 'x-amz-date': '20130524T250000Z' }), 'AccessDenied', /valid Date or x-amz-date/],
    ['no payload hash', getObject({ 'x-amz-content-sha256': undefined }), 'InvalidRequest', /x-amz-content-sha256/],
    ['an unsigned x-amz- header', getObject({ 'x-amz-acl': 'public-read' }), 'AccessDenied', /not signed/],
    [
      'an unsigned x-amz- header beside a presigned URL',
      presigned({}, { 'x-amz-acl': 'public-read' }),
      'AccessDenied',
      /not signed/,
    ],
    ['an unsigned host', presigned({ 'X-Amz-SignedHeaders': 'range' }), 'AccessDenied', /not signed/],
    [
      'a presigned URL without a date',
      presigned({ 'X-Amz-Date': '' }),
      'AuthorizationQueryParametersError',
      /requires the X-Amz-Algorithm/,
    ],
    [
      'another algorithm in the URL',
      presigned({ 'X-Amz-Algorithm': 'AWS4-HMAC-SHA1' }),
      'AuthorizationQueryParametersError',
    ],
    ['another date format in the URL', presigned({ 'X-Amz-Date': '2013-05-24' }), 'AuthorizationQueryParametersError'],
    [
      'an expiry that is no number',
      presigned({ 'X-Amz-Expires': 'soon' }),
      'AuthorizationQueryParametersError',
      /should be a number/,
    ],
    ['a negative expiry', presigned({ 'X-Amz-Expires': '-1' }), 'AuthorizationQueryParametersError', /non-negative/],
    ['an expiry of zero', presigned({ 'X-Amz-Expires': '0' }), 'AuthorizationQueryParametersError'],
    ['more than a week', presigned({ 'X-Amz-Expires': '604801' }), 'AuthorizationQueryParametersError', /604800/],
  ];

  it.each(refusals)('refuses %s', (_, request, code, message = /./) => {
    const error = refusal(() => check(request));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });

  it('names the region it expects', () => {
    const error = refusal(() => check(getObject(), { region: 'eu-central-1' }));
    expect(error.code).toBe('AuthorizationHeaderMalformed');
    expect(error.message).toBe(
      "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-central-1'",
    );
    expect(error.fields).toEqual({ Region: 'eu-central-1' });
  });

  it('takes any region where clients find the region out', () => {
    const verifier = new SigV4Verifier({ region: 'eu-central-1', publicHosts: [], now: () => SIGNED_AT });
    const claim = verifier.readClaim(getObject(), true);
    expect(() => verifier.verify(getObject(), claim, SECRET_KEY)).not.toThrow();
  });

  it('accepts a quarter of an hour of skew and no more', () => {
    for (const offset of [-900_000, 900_000]) {
      expect(() => check(getObject(), { now: () => SIGNED_AT + offset })).not.toThrow();
      const error = refusal(() => check(getObject(), { now: () => SIGNED_AT + offset + Math.sign(offset) }));
      expect(error.code).toBe('RequestTimeTooSkewed');
      expect(error.fields).toMatchObject({ RequestTime: '20130524T000000Z', MaxAllowedSkewMilliseconds: '900000' });
    }
  });

  it('accepts a presigned URL until it expires', () => {
    expect(() => check(presigned(), { now: () => SIGNED_AT + 86_400_000 })).not.toThrow();
    const error = refusal(() => check(presigned(), { now: () => SIGNED_AT + 86_400_001 }));
    expect(error.message).toBe('Request has expired');
    expect(error.fields).toEqual({
      'X-Amz-Expires': '86400',
      Expires: '2013-05-25T00:00:00Z',
      ServerTime: '2013-05-25T00:00:00Z',
    });
  });

  it('refuses a presigned URL of the future', () => {
    const error = refusal(() => check(presigned(), { now: () => SIGNED_AT - 900_001 }));
    expect(error.code).toBe('AccessDenied');
    expect(error.message).toBe('Request is not yet valid');
  });
});

it('joins repeated headers with a comma alone and folds spaces', () => {
  const values = ['a,  b', 'c'];
  const request = {
    ...getObject({
      'x-amz-meta-list': values.join(', '),
      authorization: getObject().headers.authorization?.replace('x-amz-date,', 'x-amz-date;x-amz-meta-list,'),
    }),
    valuesOf: () => values,
  };
  expect(refusal(() => check(request)).fields.CanonicalRequest).toContain('\nx-amz-meta-list:a, b,c\n');
});

it('throws nothing but S3Error for arbitrary input', () => {
  const text = fc.string({ unit: 'binary-ascii', maxLength: 40 });
  fc.assert(
    fc.property(text, text, text, text, (authorization, date, hash, parameter) => {
      const headers = {
        host: 'h',
        authorization: `AWS4-HMAC-SHA256 ${authorization}`,
        'x-amz-date': date,
        'x-amz-content-sha256': hash,
      };
      refusal(() => check(signedRequest('GET', '/', headers)));
      refusal(() =>
        check(
          signedRequest('GET', `/?X-Amz-Algorithm=${encodeURIComponent(parameter)}&X-Amz-Signature=a`, { host: 'h' }),
        ),
      );
    }),
  );
});
