import type { ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { ThrottlerStorageService } from '@nestjs/throttler';
import { effectivePolicy } from '../../context/policy/effective-policy';
import type { TenantLimits } from '../../context/policy/tenant-policy';
import { RequestRecord } from '../../context/request-record';
import type { RateLimitMetrics } from '../../metrics/rate-limit.metrics';
import type { AccessKeyService } from '../access-key.service';
import { LimitLedger } from './limit-ledger';
import { LocalLeaseChannel } from './local-lease-channel';
import { RateLimiter } from './rate-limiter.service';
import { TenantThrottledException } from './tenant-throttled.exception';
import { TenantThrottlerGuard } from './tenant-throttler.guard';
import { tenantThrottlerOptions } from './tenant-throttler.options';
import type { LimitClass, ThrottledRequest } from './throttled-request';
import { ThrottledRequests } from './throttled-request';

class AsIs extends ThrottledRequests {
  of(httpRequest: object): ThrottledRequest {
    return httpRequest as ThrottledRequest;
  }
}

const rate = { perSecond: 1, burst: 2 };
const plenty = { perSecond: 1e6, burst: 1e6 };

describe('TenantThrottlerGuard', () => {
  const refused: string[] = [];
  const channels: LocalLeaseChannel[] = [];
  let guard: TenantThrottlerGuard;

  beforeEach(() => {
    // Time stands still.
    const channel = new LocalLeaseChannel(new LimitLedger({ now: () => 0 }));
    channels.push(channel);
    const metrics: Pick<RateLimitMetrics, 'refused'> = {
      refused: (limit, scope) => {
        refused.push(`${scope} ${limit}`);
      },
    };
    const keys: Pick<AccessKeyService, 'findCached' | 'find'> = {
      findCached: () => undefined,
      find: async () => undefined,
    };
    guard = new TenantThrottlerGuard(
      tenantThrottlerOptions({ read: plenty, write: plenty, list: plenty, admin: plenty }),
      new ThrottlerStorageService(),
      new Reflector(),
      new AsIs(),
      new RateLimiter(channel, metrics as RateLimitMetrics),
      keys as AccessKeyService,
    );
  });

  afterEach(async () => {
    refused.length = 0;
    for (const channel of channels.splice(0)) await channel.close();
  });

  function request(
    limits: TenantLimits,
    operationClass: LimitClass = 'write',
    { tenantId = 'tenant', accessKeyId = 'key' } = {},
  ): ThrottledRequest & { readonly record: RequestRecord } {
    return {
      identity: { tenantId, principal: { accessKeyId }, policy: effectivePolicy({ limits }) },
      operation: { operationClass },
      record: new RequestRecord('id', 'PutObject'),
    };
  }

  const contextOf = (message: ThrottledRequest): ExecutionContext => new ExecutionContextHost([message]);
  const admit = (message: ThrottledRequest): unknown => guard.admit(contextOf(message));

  /** How many in a row are let in. */
  function countAdmitted(next: () => ThrottledRequest, tries = 20): number {
    let admitted = 0;
    for (let at = 0; at < tries; at += 1) {
      try {
        if (admit(next()) === true) admitted += 1;
      } catch (error) {
        expect(error).toBeInstanceOf(TenantThrottledException);
      }
    }
    return admitted;
  }

  it('refuses a tenant that spent its burst, with whole seconds to wait, as a promise too', async () => {
    const write = request({ tenant: { requests: { write: { perSecond: 0.4, burst: 2 } } } });
    expect(countAdmitted(() => write)).toBe(2);
    await expect(guard.canActivate(contextOf(write))).rejects.toMatchObject({ retryAfterSeconds: 3 });
    expect(new Set(refused)).toEqual(new Set(['tenant write']));
  });

  it('limits classes, tenants and keys apart from each other', () => {
    const limits: TenantLimits = {
      tenant: { requests: { write: rate, read: rate } },
      accessKey: { requests: { list: rate } },
    };
    expect(countAdmitted(() => request(limits))).toBe(2);
    expect(countAdmitted(() => request(limits, 'read'))).toBe(2);
    expect(countAdmitted(() => request(limits, 'write', { tenantId: 'other' }))).toBe(2);
    expect(countAdmitted(() => request(limits, 'list', { accessKeyId: 'a' }))).toBe(2);
    expect(countAdmitted(() => request(limits, 'list', { accessKeyId: 'b' }))).toBe(2);
    expect(countAdmitted(() => request(limits, 'admin'), 50)).toBe(50);
  });

  it('takes nothing from the tenant for a key that has nothing left, and the other way round', () => {
    const limits = (key: number, tenant: number): TenantLimits => ({
      accessKey: { requests: { write: { perSecond: 0.001, burst: key } } },
      tenant: { requests: { write: { perSecond: 0.001, burst: tenant } } },
    });
    expect(countAdmitted(() => request(limits(3, 5), 'write', { accessKeyId: 'a' }))).toBe(3);
    expect(countAdmitted(() => request(limits(3, 5), 'write', { accessKeyId: 'b' }))).toBe(2);
    expect(refused).toContain('access-key write');
    expect(refused).toContain('tenant write');
    // What its tenant had no room for is still b's.
    expect(countAdmitted(() => request(limits(3, 6), 'write', { accessKeyId: 'b', tenantId: 'roomy' }))).toBe(1);
  });

  it('counts requests until they are over, however they end', () => {
    const limits: TenantLimits = { tenant: { requestsInFlight: 2 } };
    const [first, second, third] = [request(limits), request(limits), request(limits)];
    expect([admit(first), admit(second)]).toEqual([true, true]);
    expect(() => admit(third)).toThrow(TenantThrottledException);
    expect(refused).toEqual(['tenant in-flight']);
    first.record.settle('aborted');
    expect(admit(third)).toBe(true);
    second.record.settle('completed');
    third.record.settle('completed');
    expect([admit(request(limits)), admit(request(limits))]).toEqual([true, true]);
  });

  it('keeps no place for a request that was over before it was let in', () => {
    const limits: TenantLimits = { tenant: { requestsInFlight: 1 } };
    for (let at = 0; at < 3; at += 1) {
      const gone = request(limits);
      gone.record.settle('aborted');
      expect(admit(gone)).toBe(true);
    }
  });

  it('gives back the place with the key when the tenant has none', () => {
    const limits: TenantLimits = { accessKey: { requestsInFlight: 1 }, tenant: { requestsInFlight: 1 } };
    const first = request(limits, 'read', { accessKeyId: 'a' });
    admit(first);
    expect(() => admit(request(limits, 'read', { accessKeyId: 'b' }))).toThrow(TenantThrottledException);
    first.record.settle('completed');
    expect(admit(request(limits, 'read', { accessKeyId: 'b' }))).toBe(true);
  });

  it('follows a change of the policy with the next request', () => {
    expect(countAdmitted(() => request({ tenant: { requests: { write: rate } } }))).toBe(2);
    expect(countAdmitted(() => request({ tenant: { requests: { write: null } } }))).toBe(20);
    expect(countAdmitted(() => request({ tenant: { requests: { read: plenty } } }, 'read'))).toBe(20);
    expect(countAdmitted(() => request({ tenant: { requests: { read: rate } } }, 'read'))).toBe(2);
  });

  it('shapes bytes only where a limit says so', () => {
    const free = request({ tenant: { requests: { write: plenty } }, accessKey: {} });
    admit(free);
    expect(free.pacing).toBeUndefined();
    const shaped = request({ accessKey: { bytesInPerSecond: 1_000_000 } });
    admit(shaped);
    expect(shaped.pacing?.bytesIn).toBeDefined();
    expect(shaped.pacing?.bytesOut).toBeUndefined();
  });

  it('takes nothing for a request that nobody vouched for', () => {
    const record = new RequestRecord('id', 'PutObject');
    const anonymous: ThrottledRequest = { identity: undefined, operation: { operationClass: 'write' }, record };
    expect(countAdmitted(() => anonymous)).toBe(20);
  });
});
