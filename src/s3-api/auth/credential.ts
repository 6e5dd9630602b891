import { S3Error } from '../errors/s3-error';
import type { Credential, SignedService } from './signature-claim';

/** AWS's own bound; what is longer is never looked up or logged. */
const MAX_ACCESS_KEY_ID_LENGTH = 128;
const TERMINAL = 'aws4_request';

/** Where a credential came from decides code and wording of its refusal. */
export type CredentialSource = 'header' | 'query';

/**
 * Takes a credential apart and checks its scope. `region` undefined accepts any (operations by which clients find the region out).
 * Throws `AuthorizationHeaderMalformed` or `AuthorizationQueryParametersError` with AWS's wording and, for a wrong region,
 * the field `Region`, which SDKs follow.
 */
export function parseCredential(
  text: string,
  source: CredentialSource,
  expected: { readonly date: string; readonly region: string | undefined; readonly service: SignedService },
): Credential {
  const parts = text.split('/');
  const [accessKeyId, date, region, service, terminal] = parts;
  if (
    parts.length !== 5 ||
    accessKeyId === undefined ||
    accessKeyId === '' ||
    accessKeyId.length > MAX_ACCESS_KEY_ID_LENGTH ||
    date === undefined ||
    region === undefined ||
    region === ''
  ) {
    throw malformed(
      source,
      'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
    );
  }
  if (terminal !== TERMINAL) {
    throw malformed(source, `incorrect terminal "${terminal ?? ''}". This endpoint uses "${TERMINAL}".`);
  }
  if (service !== expected.service) {
    throw malformed(source, `incorrect service "${service ?? ''}". This endpoint belongs to "${expected.service}".`);
  }
  if (expected.region !== undefined && region !== expected.region) {
    throw malformed(source, `the region '${region}' is wrong; expecting '${expected.region}'`, {
      Region: expected.region,
    });
  }
  if (date !== expected.date) {
    throw malformed(
      source,
      `Invalid credential date "${date}". This date is not the same as X-Amz-Date: "${expected.date}".`,
    );
  }
  return { accessKeyId, date, region, service, scope: text.slice(accessKeyId.length + 1) };
}

function malformed(source: CredentialSource, detail: string, fields: Readonly<Record<string, string>> = {}): S3Error {
  return source === 'header'
    ? new S3Error('AuthorizationHeaderMalformed', {
        message: `The authorization header is malformed; ${detail}`,
        fields,
      })
    : new S3Error('AuthorizationQueryParametersError', {
        message: `Error parsing the X-Amz-Credential parameter; ${detail}`,
        fields,
      });
}
