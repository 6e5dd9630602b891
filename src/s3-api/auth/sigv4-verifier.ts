import { S3Error } from '../errors/s3-error';
import type { ChunkSigning, PayloadMode } from '../http/s3-request';
import { formatErrorTime } from './amz-date';
import { parseAuthorizationHeader } from './authorization-header';
import { hasQuerySignature, parseAuthorizationQuery } from './authorization-query';
import type { CanonicalForm } from './canonical-request';
import { canonicalRequest } from './canonical-request';
import { parsePayloadMode } from './payload-mode';
import type { SignatureClaim, SignedRequest } from './signature-claim';
import type { SigningKey } from './signing-key';
import { isSameSignature, sign, SigningKeyCache, stringToSign } from './signing-key';
import { isSigV2Query, sigV2Refused } from './sigv2';

/** Largest difference between the client's clock and ours. */
export const MAX_SKEW_MS = 15 * 60 * 1000;

export interface VerifierOptions {
  /** Region that credentials must name. */
  readonly region: string;
  /** `Host` values that clients may have signed although a proxy replaced them. */
  readonly publicHosts: readonly string[];
  /** Epoch milliseconds; for tests. */
  readonly now?: () => number;
}

/** What a verified signature vouches for. */
export interface VerifiedSignature {
  readonly payload: PayloadMode;
  readonly chunkSigning: ChunkSigning | undefined;
}

/**
 * Verifies signature v4, by header and by presigned URL. Pure but for the clock and the cache of signing keys; throws
 * {@link S3Error} only.
 */
export class SigV4Verifier {
  private readonly keys = new SigningKeyCache();
  private readonly now: () => number;

  constructor(private readonly options: VerifierOptions) {
    this.now = options.now ?? Date.now;
  }

  /**
   * What the request claims, checked as far as possible without the secret: form, scope, time, and that everything is signed
   * that must be. `acceptsAnyRegion` is for operations by which clients find the region out.
   */
  readClaim(request: SignedRequest, acceptsAnyRegion: boolean): SignatureClaim {
    return this.check(request, this.parse(request, acceptsAnyRegion ? undefined : this.options.region));
  }

  /** The same for a request to STS, in whichever region clients think it is. `formHash`: SHA-256 of its body in hexadecimal. */
  readStsClaim(request: SignedRequest, formHash: string): SignatureClaim {
    const authorization = request.headers.authorization;
    if (authorization === undefined || authorization === '') throw new S3Error('AccessDenied');
    return this.check(request, parseAuthorizationHeader(request, authorization, undefined, formHash));
  }

  private check(request: SignedRequest, claim: SignatureClaim): SignatureClaim {
    this.checkTime(claim);
    checkSignedHeaders(request, claim);
    return claim;
  }

  /** Throws `SignatureDoesNotMatch` with all that the server signed, as AWS does, when `secretKey` did not make the signature. */
  verify(request: SignedRequest, claim: SignatureClaim, secretKey: string): VerifiedSignature {
    const payload = parsePayloadMode(claim.payloadHash);
    const signingKey = this.keys.get(secretKey, claim.credential);
    if (!this.matches(request, claim, signingKey)) throw mismatch(request, claim);
    return {
      payload,
      chunkSigning:
        payload.kind !== 'streaming-signed'
          ? undefined
          : {
              signingKey: signingKey.bytes,
              scope: claim.credential.scope,
              timestamp: claim.timestamp,
              seedSignatureHex: claim.signature,
            },
    };
  }

  private parse(request: SignedRequest, region: string | undefined): SignatureClaim {
    const authorization = request.headers.authorization;
    const hasHeader = authorization !== undefined && authorization !== '';
    if (request.rawQuery !== '') {
      const hasQueryV4 = hasQuerySignature(request.query);
      const hasQueryV2 = isSigV2Query(request.query);
      if (hasHeader && (hasQueryV4 || hasQueryV2)) throw twoMechanisms();
      if (hasQueryV4) return parseAuthorizationQuery(request, region);
      if (hasQueryV2) throw sigV2Refused();
    }
    if (!hasHeader) throw new S3Error('AccessDenied');
    return parseAuthorizationHeader(request, authorization, region, undefined);
  }

  private checkTime(claim: SignatureClaim): void {
    const nowMs = this.now();
    if (claim.expiresSeconds === undefined) {
      if (Math.abs(nowMs - claim.signedAtMs) <= MAX_SKEW_MS) return;
      throw new S3Error('RequestTimeTooSkewed', {
        fields: {
          RequestTime: claim.timestamp,
          ServerTime: formatErrorTime(nowMs),
          MaxAllowedSkewMilliseconds: String(MAX_SKEW_MS),
        },
      });
    }
    const expiresAtMs = claim.signedAtMs + claim.expiresSeconds * 1000;
    if (nowMs > expiresAtMs) {
      throw new S3Error('AccessDenied', {
        message: 'Request has expired',
        fields: {
          'X-Amz-Expires': String(claim.expiresSeconds),
          Expires: formatErrorTime(expiresAtMs),
          ServerTime: formatErrorTime(nowMs),
        },
      });
    }
    if (claim.signedAtMs > nowMs + MAX_SKEW_MS) {
      throw new S3Error('AccessDenied', {
        message: 'Request is not yet valid',
        fields: { 'X-Amz-Date': claim.timestamp, ServerTime: formatErrorTime(nowMs) },
      });
    }
  }

  /** The request as it came is tried first; the other readings cost only those who would be refused without them. */
  private matches(request: SignedRequest, claim: SignatureClaim, signingKey: SigningKey): boolean {
    const host = request.headers.host ?? '';
    const attempt = (candidate: string, form: CanonicalForm): boolean => {
      const text = stringToSign(
        claim.timestamp,
        claim.credential.scope,
        canonicalRequest(request, claim, candidate, form),
      );
      return isSameSignature(sign(signingKey.key, text), claim.signature);
    };
    if (attempt(host, 'sent') || attempt(host, 'encoded')) return true;
    for (const publicHost of this.options.publicHosts) {
      if (publicHost !== host && (attempt(publicHost, 'sent') || attempt(publicHost, 'encoded'))) return true;
    }
    return false;
  }
}

/**
 * `Host` and every `x-amz-*` header must be signed, or whoever relays the request could add some. The payload's hash is
 * part of what is signed in any case.
 */
function checkSignedHeaders(request: SignedRequest, claim: SignatureClaim): void {
  let unsigned: string[] | undefined;
  if (!claim.signedHeaders.includes('host')) unsigned = ['host'];
  for (const name in request.headers) {
    if (!name.startsWith('x-amz-') || name === 'x-amz-content-sha256' || claim.signedHeaders.includes(name)) continue;
    (unsigned ??= []).push(name);
  }
  if (unsigned === undefined) return;
  throw new S3Error('AccessDenied', {
    message: 'There were headers present in the request which were not signed',
    fields: { HeadersNotSigned: unsigned.join(', ') },
  });
}

function twoMechanisms(): S3Error {
  return new S3Error('InvalidArgument', {
    message:
      'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified',
    fields: { ArgumentName: 'Authorization' },
  });
}

function mismatch(request: SignedRequest, claim: SignatureClaim): S3Error {
  const canonical = canonicalRequest(request, claim, request.headers.host ?? '', 'sent');
  const toSign = stringToSign(claim.timestamp, claim.credential.scope, canonical);
  return new S3Error('SignatureDoesNotMatch', {
    fields: {
      AWSAccessKeyId: claim.credential.accessKeyId,
      StringToSign: toSign,
      SignatureProvided: claim.signature,
      StringToSignBytes: spacedHex(toSign),
      CanonicalRequest: Buffer.from(canonical, 'latin1').toString('utf8'),
      CanonicalRequestBytes: spacedHex(canonical),
    },
  });
}

function spacedHex(text: string): string {
  return (Buffer.from(text, 'latin1').toString('hex').match(/../g) ?? []).join(' ');
}
