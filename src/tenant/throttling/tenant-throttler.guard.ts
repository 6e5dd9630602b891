import type { ExecutionContext } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { ThrottlerModuleOptions } from '@nestjs/throttler';
import { InjectThrottlerOptions, ThrottlerGuard } from '@nestjs/throttler';
import { TenantThrottledException } from './tenant-throttled.exception';
import { ThrottledRequests } from './throttled-request';
import { TokenBucketStorage } from './token-bucket.storage';

interface Limit {
  readonly limit: number;
  readonly ttlMs: number;
}

/**
 * Limits each tenant's requests by class. Stands behind the check of the signature.
 *
 * The package's own way through a request hashes a key and awaits a dozen promises; this one does a look-up and a
 * subtraction, since it stands before every request. It sets no headers: S3 has none for limits.
 */
@Injectable()
export class TenantThrottlerGuard extends ThrottlerGuard {
  private readonly limits = new Map<string, Limit>();

  constructor(
    @InjectThrottlerOptions() options: ThrottlerModuleOptions,
    private readonly buckets: TokenBucketStorage,
    reflector: Reflector,
    private readonly requests: ThrottledRequests,
  ) {
    super(options, buckets, reflector);
  }

  override async onModuleInit(): Promise<void> {
    await super.onModuleInit();
    for (const { name, limit, ttl } of this.throttlers) {
      if (name === undefined || typeof limit !== 'number' || typeof ttl !== 'number') {
        throw new TypeError('The limits of tenants are named and constant');
      }
      this.limits.set(name, { limit, ttlMs: ttl });
    }
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    return Promise.resolve(this.admit(context));
  }

  /** The same without a promise. Throws {@link TenantThrottledException}. */
  admit(context: ExecutionContext): true {
    const { identity, operation } = this.requests.of(context.switchToHttp().getRequest<object>());
    if (identity === undefined) return true;
    const limit = this.limits.get(operation.operationClass);
    if (limit === undefined) return true;
    const waitMs = this.buckets.take(operation.operationClass, identity.tenantId, limit.ttlMs, limit.limit);
    if (waitMs > 0) throw new TenantThrottledException(Math.ceil(waitMs / 1000));
    return true;
  }
}
