import type { ExecutionContext } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { ThrottlerModuleOptions } from '@nestjs/throttler';
import { InjectThrottlerOptions, InjectThrottlerStorage, ThrottlerGuard, ThrottlerStorage } from '@nestjs/throttler';
import { AccessKeyService } from '../access-key.service';
import type { CurrentLimits } from './rate-limiter.service';
import { RateLimiter } from './rate-limiter.service';
import { ThrottledRequests } from './throttled-request';

const ignore = (): void => undefined;

/**
 * Holds each request to the limits of its tenant and its access key. Stands behind the check of the signature.
 *
 * The package's own way through a request hashes a key and awaits a dozen promises; this one does a look-up and a
 * subtraction, since it stands before every request. It sets no headers: S3 has none for limits.
 */
@Injectable()
export class TenantThrottlerGuard extends ThrottlerGuard {
  /** A key that a change pushed out of memory is loaded anew: a transfer may be all that its tenant does. */
  private readonly currentLimits: CurrentLimits = (accessKeyId) => {
    const known = this.accessKeys.findCached(accessKeyId);
    if (known === undefined) this.accessKeys.find(accessKeyId).catch(ignore);
    return known?.policy.limits;
  };

  constructor(
    @InjectThrottlerOptions() options: ThrottlerModuleOptions,
    @InjectThrottlerStorage() storage: ThrottlerStorage,
    reflector: Reflector,
    private readonly requests: ThrottledRequests,
    private readonly limiter: RateLimiter,
    private readonly accessKeys: AccessKeyService,
  ) {
    super(options, storage, reflector);
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    return this.admit(context);
  }

  /** The same, without a promise where nothing has to be waited for. Throws `TenantThrottledException`. */
  admit(context: ExecutionContext): true | Promise<true> {
    const request = this.requests.of(context.switchToHttp().getRequest<object>());
    return this.limiter.admit(request, this.currentLimits);
  }
}
