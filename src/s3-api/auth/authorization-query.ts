import { S3Error } from '../errors/s3-error';
import type { QueryParameters } from '../http/s3-request';
import { parseAmzDate } from './amz-date';
import { parseCredential } from './credential';
import { UNSIGNED_PAYLOAD } from './payload-mode';
import type { SignatureClaim, SignedRequest } from './signature-claim';

/** One week, the longest that AWS lets a presigned URL live. */
export const MAX_PRESIGNED_SECONDS = 604_800;

const DECIMAL = /^-?[0-9]{1,15}$/;

/** The query carries, or tries to carry, a signature v4. */
export function hasQuerySignature(query: QueryParameters): boolean {
  return query.has('X-Amz-Algorithm') || query.has('X-Amz-Signature') || query.has('X-Amz-Credential');
}

/**
 * The claim of a presigned URL. The payload counts as unsigned unless `x-amz-content-sha256` says otherwise, as a header or,
 * hoisted by the presigner, as a parameter.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
 */
export function parseAuthorizationQuery(request: SignedRequest, region: string | undefined): SignatureClaim {
  const { query } = request;
  const algorithm = query.get('X-Amz-Algorithm');
  const credentialText = query.get('X-Amz-Credential');
  const signature = query.get('X-Amz-Signature');
  const timestamp = query.get('X-Amz-Date');
  const signedHeaders = query.get('X-Amz-SignedHeaders');
  const expires = query.get('X-Amz-Expires');
  if (!algorithm || !credentialText || !signature || !timestamp || !signedHeaders || !expires) {
    throw refused(
      'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.',
    );
  }
  if (algorithm === 'AWS4-ECDSA-P256-SHA256') {
    throw new S3Error('NotImplemented', { fields: { Header: 'X-Amz-Algorithm' } });
  }
  if (algorithm !== 'AWS4-HMAC-SHA256') throw refused('X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"');
  const signedAtMs = parseAmzDate(timestamp);
  if (signedAtMs === undefined) {
    throw refused("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
  }
  return {
    source: 'query',
    credential: parseCredential(credentialText, 'query', { date: timestamp.slice(0, 8), region, service: 's3' }),
    signedHeaders: signedHeaders.split(';'),
    signature,
    timestamp,
    signedAtMs,
    expiresSeconds: parseExpires(expires),
    payloadHash: payloadHashOf(request),
  };
}

function parseExpires(text: string): number {
  if (!DECIMAL.test(text)) throw refused('X-Amz-Expires should be a number');
  const seconds = Number(text);
  if (seconds < 0) throw refused('X-Amz-Expires must be non-negative');
  if (seconds === 0) throw refused('X-Amz-Expires must be greater than zero');
  if (seconds > MAX_PRESIGNED_SECONDS) {
    throw refused(`X-Amz-Expires must be less than a week (in seconds) that is ${MAX_PRESIGNED_SECONDS}`);
  }
  return seconds;
}

function payloadHashOf(request: SignedRequest): string {
  const header = request.headers['x-amz-content-sha256'];
  if (typeof header === 'string' && header !== '') return header;
  return request.query.get('X-Amz-Content-Sha256') ?? request.query.get('x-amz-content-sha256') ?? UNSIGNED_PAYLOAD;
}

function refused(message: string): S3Error {
  return new S3Error('AuthorizationQueryParametersError', { message });
}
