import { S3Error } from '../errors/s3-error';
import { RawQuery } from '../http/raw-query';
import type { SignedRequest } from './signature-claim';
import type { VerifiedSignature, VerifierOptions } from './sigv4-verifier';
import { SigV4Verifier } from './sigv4-verifier';

export const ACCESS_KEY = 'AKIAIOSFODNN7EXAMPLE';
export const SECRET_KEY = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
export const SIGNED_AT = Date.UTC(2013, 4, 24);

/** A request as the verifier sees it; values of a repeated header stand on lines of their own. */
export function signedRequest(
  method: string,
  target: string,
  headers: Record<string, string | undefined>,
): SignedRequest {
  const mark = target.indexOf('?');
  const rawQuery = mark === -1 ? '' : target.slice(mark + 1);
  return {
    method,
    rawPath: mark === -1 ? target : target.slice(0, mark),
    rawQuery,
    query: RawQuery.parse(rawQuery),
    headers,
    valuesOf: (name) => (headers[name] ?? '').split('\n'),
  };
}

/** Verifies at {@link SIGNED_AT}, in us-east-1, with {@link SECRET_KEY} unless told otherwise. */
export function check(
  request: SignedRequest,
  options: Partial<VerifierOptions> = {},
  secretKey = SECRET_KEY,
): VerifiedSignature {
  const verifier = new SigV4Verifier({ region: 'us-east-1', publicHosts: [], now: () => SIGNED_AT, ...options });
  return verifier.verify(request, verifier.readClaim(request, false), secretKey);
}

/** What `run` is refused with. */
export function refusal(run: () => unknown): S3Error {
  try {
    run();
  } catch (error) {
    if (error instanceof S3Error) return error;
    throw error;
  }
  throw new Error('was accepted');
}
