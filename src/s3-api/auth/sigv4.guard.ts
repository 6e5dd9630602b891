import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import { Environment } from '../../config/environment';
import { VaultaireConfig } from '../../config/vaultaire-config';
import type { AccessKeyRecord } from '../../tenant/access-key.service';
import { AccessKeyService } from '../../tenant/access-key.service';
import type { SessionStatement } from '../../tenant/session-token';
import { isSessionKeyId, SessionTokens } from '../../tenant/session-tokens';
import { FailedAuthenticationLimiter } from '../../tenant/throttling/failed-authentication.limiter';
import { S3Error } from '../errors/s3-error';
import { s3RequestOf } from '../http/attached-request';
import type { S3Request } from '../http/s3-request';
import { StsError } from '../sts/sts-error';
import { readStsForm } from '../sts/sts-form';
import { STS_OPERATION } from '../sts/sts-operation';
import type { AccessScope } from './access-scope';
import { allOf } from './access-scope';
import { restoreHoistedHeaders } from './hoisted-headers';
import { keyScopeRule } from './key-scope-rule';
import { sessionPolicyRule } from './session-policy-rule';
import { sessionTokenOf } from './session-token-header';
import type { SignatureClaim, SignedRequest } from './signature-claim';
import { SigV4Verifier } from './sigv4-verifier';

/** By these operations clients that don't know the region find it out; they sign for whichever they assume. */
const REGION_DISCOVERY: ReadonlySet<string> = new Set(['GetBucketLocation', 'ListBuckets']);

/** Refusals that somebody who guesses would get. */
const FAILED_AUTHENTICATION: ReadonlySet<string> = new Set([
  'InvalidAccessKeyId',
  'InvalidToken',
  'SignatureDoesNotMatch',
]);

/**
 * Who is asking: verifies the signature and sets `request.identity`, or refuses in S3's words. Anonymous requests are
 * refused. Answers without a promise when the access key is in memory, also for temporary credentials that were seen before.
 */
@Injectable()
export class SigV4Guard implements CanActivate {
  private readonly verifier: SigV4Verifier;
  /** What the policies of a session allow, for as long as its token is kept open. */
  private readonly sessionRules = new WeakMap<SessionStatement, readonly AccessScope[]>();
  /** Attempts that are asked for, by key and address. */
  private readonly attempts = new Map<string, Promise<void>>();

  constructor(
    private readonly accessKeys: AccessKeyService,
    private readonly sessions: SessionTokens,
    private readonly failures: FailedAuthenticationLimiter,
    environment: Environment,
    config: VaultaireConfig,
  ) {
    this.verifier = new SigV4Verifier({ region: environment.region, publicHosts: config.publicHosts });
  }

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const request = s3RequestOf(context);
    const signed = signedRequestOf(request);
    if (request.operation === STS_OPERATION) return this.identifySts(request, signed);
    return this.identify(
      request,
      signed,
      this.verifier.readClaim(signed, REGION_DISCOVERY.has(request.operation.name)),
    );
  }

  /** The form is part of what is signed, and has to be read first. */
  private async identifySts(request: S3Request, signed: SignedRequest): Promise<boolean> {
    if (!signed.headers.authorization) {
      throw new StsError('MissingAuthenticationToken', 'Request is missing Authentication Token');
    }
    const { sha256Hex } = await readStsForm(request);
    return this.identify(request, signed, this.verifier.readStsClaim(signed, sha256Hex));
  }

  private identify(request: S3Request, signed: SignedRequest, claim: SignatureClaim): boolean | Promise<boolean> {
    const { accessKeyId } = claim.credential;
    request.record.accessKeyId = accessKeyId;
    const token = sessionTokenOf(signed);
    const session = token === undefined ? undefined : this.sessions.open(accessKeyId, token);
    if (token !== undefined && session === undefined) return this.failed(request, new S3Error('InvalidToken'));
    if (session !== undefined && session.expiresAtMs <= Date.now()) throw new S3Error('ExpiredToken');
    const parentId = session?.parentKeyId ?? accessKeyId;
    const cached = this.accessKeys.findCached(parentId);
    if (cached === undefined) return this.identifyUncached(parentId, request, signed, claim, session);
    try {
      return this.admit(request, signed, claim, cached, session);
    } catch (error) {
      if (!isFailedAuthentication(error)) throw error;
      return this.failed(request, error);
    }
  }

  /** Counts the failure. Rejects with it, or because there were too many. */
  private async failed(request: S3Request, error: Error): Promise<never> {
    await this.failures.attempt(request.record.remoteAddress);
    throw error;
  }

  /**
   * An address that tries too many keys is refused before the database is asked. A load that others began asks nothing more of it; what comes
   * of that is counted when it failed.
   */
  private async identifyUncached(
    parentId: string,
    request: S3Request,
    signed: SignedRequest,
    claim: SignatureClaim,
    session: SessionStatement | undefined,
  ): Promise<boolean> {
    const { remoteAddress } = request.record;
    const isCounted = this.accessKeys.needsLoad(parentId) && (await this.attemptOnce(parentId, remoteAddress));
    let hasFailed = false;
    try {
      return this.admit(request, signed, claim, await this.accessKeys.find(parentId), session);
    } catch (error) {
      hasFailed = isFailedAuthentication(error);
      if (hasFailed && !isCounted) await this.failures.attempt(remoteAddress);
      throw error;
    } finally {
      if (isCounted && !hasFailed) this.failures.forgive(remoteAddress);
    }
  }

  /** True for the first of those that come while the address asks for an attempt at the key: the others wait with it, and take none. */
  private async attemptOnce(parentId: string, remoteAddress: string | undefined): Promise<boolean> {
    const name = `${parentId} ${remoteAddress ?? ''}`;
    const underway = this.attempts.get(name);
    if (underway !== undefined) {
      await underway;
      return false;
    }
    const attempt = this.failures.attempt(remoteAddress).finally(() => this.attempts.delete(name));
    this.attempts.set(name, attempt);
    await attempt;
    return true;
  }

  private admit(
    request: S3Request,
    signed: SignedRequest,
    claim: SignatureClaim,
    key: AccessKeyRecord | undefined,
    session: SessionStatement | undefined,
  ): boolean {
    if (key === undefined || (key.expiresAtMs !== undefined && key.expiresAtMs <= Date.now())) {
      const { accessKeyId } = claim.credential;
      if (session === undefined && isSessionKeyId(accessKeyId)) throw new S3Error('InvalidToken');
      throw new S3Error('InvalidAccessKeyId', { fields: { AWSAccessKeyId: accessKeyId } });
    }
    const { payload, chunkSigning } = this.verifier.verify(signed, claim, session?.secretKey ?? key.secretKey);
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
      tenantName: key.tenantName,
      principal: {
        kind: 'user',
        userId: key.userId,
        accessKeyId: key.accessKeyId,
        canonicalId: key.canonicalId,
        displayName: key.displayName,
      },
      userName: key.userName,
      scope: session === undefined ? ownScope(key) : this.scopeOfSession(key, session),
      expiresAtMs: key.expiresAtMs,
      session,
      planName: key.planName,
      policy: key.policy,
      payload,
      chunkSigning,
    };
    return true;
  }

  /** Never more than the parent may now, whatever it could when the session began. */
  private scopeOfSession(parent: AccessKeyRecord, session: SessionStatement): AccessScope | undefined {
    let rules = this.sessionRules.get(session);
    if (rules === undefined) {
      rules = session.policies.map(sessionPolicyRule);
      this.sessionRules.set(session, rules);
    }
    const own = ownScope(parent);
    return allOf(own === undefined ? rules : [own, ...rules]);
  }
}

function isFailedAuthentication(error: unknown): error is S3Error {
  return error instanceof S3Error && FAILED_AUTHENTICATION.has(error.code);
}

function ownScope(key: AccessKeyRecord): AccessScope | undefined {
  return key.scope === undefined ? undefined : keyScopeRule(key.scope);
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
