import type { IncomingHttpHeaders } from 'node:http';
import { S3Error } from '../errors/s3-error';
import type { QueryParameters } from '../http/s3-request';

/** Parameters of the signature itself. */
const OF_THE_SIGNATURE: ReadonlySet<string> = new Set([
  'x-amz-algorithm',
  'x-amz-content-sha256',
  'x-amz-credential',
  'x-amz-date',
  'x-amz-expires',
  'x-amz-security-token',
  'x-amz-signature',
  'x-amz-signedheaders',
]);

/**
 * Presigners move `x-amz-*` headers into the URL; S3 takes them from there as if they had been sent as headers. Adds them to
 * `headers`, where a header that was sent wins. To be called only after the signature of the URL was verified.
 *
 * Checksums stay out, as at AWS: SDKs presign without the body and put the checksum of no bytes into the URL.
 *
 * Throws `NotImplemented` for a header that would have chosen another operation, unless `selectors` (the headers that the resolved
 * operation claims) has it.
 */
export function restoreHoistedHeaders(
  headers: IncomingHttpHeaders,
  query: QueryParameters,
  selectors: readonly string[],
): void {
  for (const [parameter, value] of query.entries()) {
    const name = parameter.toLowerCase();
    if (!name.startsWith('x-amz-') || OF_THE_SIGNATURE.has(name)) continue;
    if (name.startsWith('x-amz-checksum-') || name === 'x-amz-sdk-checksum-algorithm' || name === 'x-amz-trailer')
      continue;
    if (name === 'x-amz-copy-source' && !selectors.includes(name)) {
      throw new S3Error('NotImplemented', { fields: { Header: name } });
    }
    headers[name] ??= Buffer.from(value, 'utf8').toString('latin1');
  }
}
