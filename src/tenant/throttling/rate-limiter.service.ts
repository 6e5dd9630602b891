import type { BeforeApplicationShutdown, OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import type { RateLimits, TenantLimits } from '../../context/policy/tenant-policy';
import { RateLimitMetrics } from '../../metrics/rate-limit.metrics';
import { Admission } from './admission';
import type { Subject, SubjectKind } from './allowances';
import { Allowances } from './allowances';
import type { ByteDirection, ByteRates } from './byte-pacer';
import { BytePacer, bytesPerSecond } from './byte-pacer';
import type { BucketRate } from './leases';
import { LeaseChannel } from './leases';
import { TenantThrottledException } from './tenant-throttled.exception';
import type { ThrottledRequest } from './throttled-request';

/** The limits that hold for an access key now; undefined: as far as is known, they did not change. */
export type CurrentLimits = (accessKeyId: string) => TenantLimits | undefined;

const unchanged: CurrentLimits = () => undefined;

/** Holds tenants, access keys and others to their limits, as the policy of each request states them. */
@Injectable()
export class RateLimiter implements OnModuleInit, BeforeApplicationShutdown, OnApplicationShutdown {
  private readonly allowances: Allowances;

  constructor(
    private readonly channel: LeaseChannel,
    private readonly metrics: RateLimitMetrics,
  ) {
    this.allowances = new Allowances(channel);
  }

  onModuleInit(): void {
    this.allowances.start();
    this.metrics.sampleStore(() => this.channel.storeUp());
  }

  beforeApplicationShutdown(): void {
    this.allowances.stop();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.channel.close();
  }

  /**
   * True: the request may go on, and counts as in flight until its record settles. A promise only where the lease is used up.
   *
   * @throws TenantThrottledException also as a rejection
   */
  admit(request: ThrottledRequest, current: CurrentLimits = unchanged): true | Promise<true> {
    const { identity } = request;
    if (identity === undefined) return true;
    const { tenant, accessKey } = identity.policy.limits;
    if (accessKey !== undefined || isMoreThanRequests(tenant)) return this.admitByAll(request, current);
    const name = request.operation.operationClass;
    const rate = tenant?.requests?.[name];
    if (rate === undefined || rate === null) return true;
    const wait = this.allowances.subject('tenant', identity.tenantId).of(name).take(rate);
    if (wait === 0) return true;
    if (typeof wait === 'number') throw this.refusal(name, 'tenant', wait);
    return wait.then((waitMs) => {
      if (waitMs > 0) throw this.refusal(name, 'tenant', waitMs);
      return true;
    });
  }

  /**
   * Takes a token of a bucket by itself: 0, or the milliseconds until there is one. Where that counts as a refusal, tell
   * {@link refusal}.
   */
  take(kind: SubjectKind, id: string, name: 'admin' | 'address', rate: BucketRate): number | Promise<number> {
    return this.allowances.subject(kind, id).of(name).take(rate);
  }

  /** Gives the token of {@link take} back. */
  refund(kind: SubjectKind, id: string, name: 'admin' | 'address'): void {
    this.allowances.subject(kind, id).of(name).refund();
  }

  /** Counts a refusal and says it in words that every plane understands. */
  refusal(limit: string, scope: SubjectKind, waitMs: number): TenantThrottledException {
    this.metrics.refused(limit, scope);
    return new TenantThrottledException(Math.max(1, Math.ceil(waitMs / 1000)));
  }

  /** The key is asked before its tenant, so that one that is refused takes nothing from the others. */
  private admitByAll(request: ThrottledRequest, current: CurrentLimits): true | Promise<true> {
    const { identity } = request;
    if (identity === undefined) return true;
    const { limits } = identity.policy;
    const { tenantId, principal } = identity;
    const key = limits.accessKey && this.allowances.subject('access-key', principal.accessKeyId);
    const tenant = limits.tenant && this.allowances.subject('tenant', tenantId);
    const admission = new Admission(request.record);
    const name = request.operation.operationClass;
    addRate(admission, 'access-key', key, name, limits.accessKey);
    addRate(admission, 'tenant', tenant, name, limits.tenant);
    addSlots(admission, 'access-key', key, limits.accessKey);
    addSlots(admission, 'tenant', tenant, limits.tenant);
    this.pace(request, identity, current);
    const refused = admission.run();
    if (refused === undefined) return true;
    if (!(refused instanceof Promise)) throw this.refusal(refused.limit, refused.scope, refused.waitMs);
    return refused.then((refusal) => {
      if (refusal !== undefined) throw this.refusal(refusal.limit, refusal.scope, refusal.waitMs);
      return true;
    });
  }

  private pace(
    request: ThrottledRequest,
    { tenantId, principal, policy }: NonNullable<ThrottledRequest['identity']>,
    current: CurrentLimits,
  ): void {
    const { accessKeyId } = principal;
    const pacer = (direction: ByteDirection): BytePacer | undefined => {
      const isShaped = (limits: RateLimits | undefined): boolean => bytesPerSecond(limits, direction) !== undefined;
      if (!isShaped(policy.limits.tenant) && !isShaped(policy.limits.accessKey)) return undefined;
      let known = policy.limits;
      return new BytePacer((): ByteRates => {
        known = current(accessKeyId) ?? known;
        return [
          [
            this.allowances.subject('access-key', accessKeyId).of(direction),
            bytesPerSecond(known.accessKey, direction),
          ],
          [this.allowances.subject('tenant', tenantId).of(direction), bytesPerSecond(known.tenant, direction)],
        ];
      });
    };
    const [bytesIn, bytesOut] = [pacer('bytes-in'), pacer('bytes-out')];
    if (bytesIn !== undefined || bytesOut !== undefined) request.pacing = { bytesIn, bytesOut };
  }
}

function isMoreThanRequests(limits: RateLimits | undefined): boolean {
  return (
    limits !== undefined &&
    (limits.requestsInFlight ?? limits.bytesInPerSecond ?? limits.bytesOutPerSecond ?? undefined) !== undefined
  );
}

function addRate(
  admission: Admission,
  scope: SubjectKind,
  subject: Subject | undefined,
  name: 'read' | 'write' | 'list' | 'admin',
  limits: RateLimits | undefined,
): void {
  const rate = limits?.requests?.[name];
  if (subject !== undefined && rate !== undefined && rate !== null)
    admission.addToken(subject.of(name), rate, name, scope);
}

function addSlots(
  admission: Admission,
  scope: SubjectKind,
  subject: Subject | undefined,
  limits: RateLimits | undefined,
): void {
  const limit = limits?.requestsInFlight;
  if (subject !== undefined && limit !== undefined && limit !== null) {
    admission.addSlot(subject.of('in-flight'), limit, scope);
  }
}
