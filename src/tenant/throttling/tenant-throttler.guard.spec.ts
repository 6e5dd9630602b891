import type { ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { TenantThrottledException } from './tenant-throttled.exception';
import { TenantThrottlerGuard } from './tenant-throttler.guard';
import { tenantThrottlerOptions } from './tenant-throttler.options';
import type { LimitClass, ThrottledRequest } from './throttled-request';
import { ThrottledRequests } from './throttled-request';
import { TokenBucketStorage } from './token-bucket.storage';

class AsIs extends ThrottledRequests {
  of(httpRequest: object): ThrottledRequest {
    return httpRequest as ThrottledRequest;
  }
}

const limits = {
  read: { perSecond: 100, burst: 4 },
  write: { perSecond: 1, burst: 2 },
  list: { perSecond: 10, burst: 10 },
  admin: { perSecond: 10, burst: 10 },
};

describe('TenantThrottlerGuard', () => {
  let nowMs: number;

  async function guardFor(workers: number): Promise<TenantThrottlerGuard> {
    const storage = new TokenBucketStorage(() => nowMs);
    const options = tenantThrottlerOptions(limits, workers, storage);
    const guard = new TenantThrottlerGuard(options, storage, new Reflector(), new AsIs());
    await guard.onModuleInit();
    return guard;
  }

  function request(operationClass: LimitClass, tenantId: string | undefined = 'tenant-a'): ExecutionContext {
    const message: ThrottledRequest = { identity: { tenantId }, operation: { operationClass } };
    return new ExecutionContextHost([message]);
  }

  beforeEach(() => {
    nowMs = 0;
  });

  it('refuses a tenant that spent its burst, with whole seconds to wait', async () => {
    const guard = await guardFor(1);
    nowMs = 500;
    await expect(guard.canActivate(request('write'))).resolves.toBe(true);
    await expect(guard.canActivate(request('write'))).resolves.toBe(true);
    const refusal: unknown = await guard.canActivate(request('write')).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(TenantThrottledException);
    expect(refusal).toMatchObject({ retryAfterSeconds: 1 });
    nowMs = 1_500;
    await expect(guard.canActivate(request('write'))).resolves.toBe(true);
  });

  it('says to wait a second at least', async () => {
    const guard = await guardFor(1);
    for (let i = 0; i < 4; i++) await guard.canActivate(request('read'));
    await expect(guard.canActivate(request('read'))).rejects.toMatchObject({ retryAfterSeconds: 1 });
  });

  it('limits classes and tenants apart from each other', async () => {
    const guard = await guardFor(1);
    await guard.canActivate(request('write'));
    await guard.canActivate(request('write'));
    await expect(guard.canActivate(request('read'))).resolves.toBe(true);
    await expect(guard.canActivate(request('write', 'tenant-b'))).resolves.toBe(true);
    await expect(guard.canActivate(request('write'))).rejects.toBeInstanceOf(TenantThrottledException);
  });

  it('gives each worker its share, and never less than one request at a time', async () => {
    const guard = await guardFor(2);
    await guard.canActivate(request('read'));
    await guard.canActivate(request('read'));
    await expect(guard.canActivate(request('read'))).rejects.toBeInstanceOf(TenantThrottledException);
    nowMs = 20;
    await expect(guard.canActivate(request('read'))).resolves.toBe(true);

    const oneOfMany = await guardFor(64);
    await expect(oneOfMany.canActivate(request('write'))).resolves.toBe(true);
    await expect(oneOfMany.canActivate(request('write'))).rejects.toMatchObject({ retryAfterSeconds: 64 });
  });

  it('takes nothing for a request that nobody vouched for', async () => {
    const guard = await guardFor(1);
    const anonymous = new ExecutionContextHost([{ identity: undefined, operation: { operationClass: 'write' } }]);
    for (let i = 0; i < 5; i++) await expect(guard.canActivate(anonymous)).resolves.toBe(true);
  });
});
