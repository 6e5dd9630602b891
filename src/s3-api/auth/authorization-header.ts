import { S3Error } from '../errors/s3-error';
import { formatAmzDate, parseAmzDate } from './amz-date';
import { parseCredential } from './credential';
import type { SignatureClaim, SignedRequest } from './signature-claim';
import { sigV2Refused } from './sigv2';

const ALGORITHM = 'AWS4-HMAC-SHA256';

/**
 * The claim of an `Authorization: AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…` header. S3 alone has clients
 * announce the hash of the payload; for STS it is `formHash`, of the body as it came.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html
 */
export function parseAuthorizationHeader(
  request: SignedRequest,
  authorization: string,
  region: string | undefined,
  formHash: string | undefined,
): SignatureClaim {
  if (!authorization.startsWith(ALGORITHM)) throw unsupportedScheme(authorization);
  const { credential: credentialText, signedHeaders, signature } = parseComponents(authorization);

  const { timestamp, signedAtMs } = signingTime(request);
  const credential = parseCredential(credentialText, 'header', {
    date: timestamp.slice(0, 8),
    region,
    service: formHash === undefined ? 's3' : 'sts',
  });
  const payloadHash = formHash ?? request.headers['x-amz-content-sha256'];
  if (typeof payloadHash !== 'string' || payloadHash === '') {
    throw new S3Error('InvalidRequest', {
      message: 'Missing required header for this request: x-amz-content-sha256',
    });
  }
  return {
    source: 'header',
    credential,
    signedHeaders: signedHeaders.split(';'),
    signature,
    timestamp,
    signedAtMs,
    expiresSeconds: undefined,
    payloadHash,
  };
}

function parseComponents(authorization: string): { credential: string; signedHeaders: string; signature: string } {
  let credential = '';
  let signedHeaders = '';
  let signature = '';
  for (const part of authorization.slice(ALGORITHM.length).split(',')) {
    const component = part.trim();
    if (component.startsWith('Credential=')) credential = component.slice(11);
    else if (component.startsWith('SignedHeaders=')) signedHeaders = component.slice(14);
    else if (component.startsWith('Signature=')) signature = component.slice(10);
    else throw headerMalformed('The authorization header that you provided is not valid.');
  }
  if (credential === '') throw headerMalformed('The authorization header is malformed; missing Credential.');
  if (signedHeaders === '') throw headerMalformed('The authorization header is malformed; missing SignedHeaders.');
  if (signature === '') throw headerMalformed('The authorization header is malformed; missing Signature.');
  return { credential, signedHeaders, signature };
}

/** `x-amz-date` where given, for clients that cannot set `Date`; an HTTP date is signed in its basic ISO form. */
function signingTime(request: SignedRequest): { timestamp: string; signedAtMs: number } {
  const amzDate = request.headers['x-amz-date'];
  if (typeof amzDate === 'string') {
    const signedAtMs = parseAmzDate(amzDate);
    if (signedAtMs !== undefined) return { timestamp: amzDate, signedAtMs };
  } else {
    const date = request.headers.date ?? '';
    const basicMs = parseAmzDate(date);
    if (basicMs !== undefined) return { timestamp: date, signedAtMs: basicMs };
    const httpMs = Date.parse(date);
    if (!Number.isNaN(httpMs)) return { timestamp: formatAmzDate(httpMs), signedAtMs: httpMs };
  }
  throw new S3Error('AccessDenied', { message: 'AWS authentication requires a valid Date or x-amz-date header' });
}

function unsupportedScheme(authorization: string): S3Error {
  if (authorization.startsWith('AWS ')) return sigV2Refused();
  if (authorization.startsWith('AWS4-ECDSA-P256-SHA256')) {
    return new S3Error('NotImplemented', { fields: { Header: 'Authorization' } });
  }
  return new S3Error('InvalidArgument', {
    message: 'Unsupported Authorization Type',
    fields: { ArgumentName: 'Authorization' },
  });
}

function headerMalformed(message: string): S3Error {
  return new S3Error('AuthorizationHeaderMalformed', { message });
}
