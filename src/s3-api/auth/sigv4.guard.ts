import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import { Environment } from '../../config/environment';
import { VaultaireConfig } from '../../config/vaultaire-config';
import type { AccessKeyRecord } from '../../tenant/access-key.service';
import { AccessKeyService } from '../../tenant/access-key.service';
import { S3Error } from '../errors/s3-error';
import { s3RequestOf } from '../http/attached-request';
import type { S3Request } from '../http/s3-request';
import { restoreHoistedHeaders } from './hoisted-headers';
import type { SignatureClaim, SignedRequest } from './signature-claim';
import { SigV4Verifier } from './sigv4-verifier';

/** By these operations clients that don't know the region find it out; they sign for whichever they assume. */
const REGION_DISCOVERY: ReadonlySet<string> = new Set(['GetBucketLocation', 'ListBuckets']);

/**
 * Who is asking: verifies the signature and sets `request.identity`, or refuses in S3's words. Anonymous requests are
 * refused. Answers without a promise when the access key is in memory.
 */
@Injectable()
export class SigV4Guard implements CanActivate {
  private readonly verifier: SigV4Verifier;

  constructor(
    private readonly accessKeys: AccessKeyService,
    environment: Environment,
    config: VaultaireConfig,
  ) {
    this.verifier = new SigV4Verifier({ region: environment.region, publicHosts: config.publicHosts });
  }

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const request = s3RequestOf(context);
    const signed = signedRequestOf(request);
    const claim = this.verifier.readClaim(signed, REGION_DISCOVERY.has(request.operation.name));
    request.record.accessKeyId = claim.credential.accessKeyId;
    const cached = this.accessKeys.findCached(claim.credential.accessKeyId);
    if (cached !== undefined) return this.admit(request, signed, claim, cached);
    return this.accessKeys
      .find(claim.credential.accessKeyId)
      .then((record) => this.admit(request, signed, claim, record));
  }

  private admit(
    request: S3Request,
    signed: SignedRequest,
    claim: SignatureClaim,
    key: AccessKeyRecord | undefined,
  ): boolean {
    if (key === undefined || (key.expiresAtMs !== undefined && key.expiresAtMs <= Date.now())) {
      throw new S3Error('InvalidAccessKeyId', { fields: { AWSAccessKeyId: claim.credential.accessKeyId } });
    }
    const { payload, chunkSigning } = this.verifier.verify(signed, claim, key.secretKey);
    request.record.tenantId = key.tenantId;
    request.record.userId = key.userId;
    if (key.tenantState !== 'active') {
      throw new S3Error('AccessDenied', { message: 'All access to this account has been disabled.' });
    }
    if (claim.source === 'query') {
      restoreHoistedHeaders(request.message.headers, request.query, request.operation.headers);
    }
    request.identity = {
      tenantId: key.tenantId,
      principal: {
        kind: 'user',
        userId: key.userId,
        accessKeyId: key.accessKeyId,
        canonicalId: key.canonicalId,
        displayName: key.displayName,
      },
      scope: key.scope,
      policy: key.policy,
      payload,
      chunkSigning,
    };
    return true;
  }
}

function signedRequestOf(request: S3Request): SignedRequest {
  const { message } = request;
  return {
    method: message.method ?? '',
    rawPath: request.rawPath,
    rawQuery: request.rawQuery,
    query: request.query,
    headers: message.headers,
    valuesOf: (name) => message.headersDistinct[name] ?? [],
  };
}
