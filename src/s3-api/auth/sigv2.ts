import { S3Error } from '../errors/s3-error';
import type { QueryParameters } from '../http/s3-request';

/** What AWS answers to signature v2 in regions that never had it. */
export function sigV2Refused(): S3Error {
  return new S3Error('InvalidRequest', {
    message: 'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.',
  });
}

/** A URL presigned with signature v2: `?AWSAccessKeyId=…&Expires=…&Signature=…`. */
export function isSigV2Query(query: QueryParameters): boolean {
  return query.has('AWSAccessKeyId') || (query.has('Signature') && query.has('Expires'));
}
