import { S3Error } from '../errors/s3-error';
import type { SignedRequest } from './signature-claim';

/**
 * The session token that came with a request, as a header or, in a presigned URL, as a parameter. Either is covered by the
 * signature. Throws `InvalidToken` for two that differ.
 */
export function sessionTokenOf({ headers, rawQuery, query }: SignedRequest): string | undefined {
  const header = headers['x-amz-security-token'];
  const parameter = rawQuery === '' ? undefined : query.get('X-Amz-Security-Token');
  if (header === undefined) return parameter;
  if (typeof header !== 'string' || (parameter !== undefined && parameter !== header)) {
    throw new S3Error('InvalidToken');
  }
  return header;
}
