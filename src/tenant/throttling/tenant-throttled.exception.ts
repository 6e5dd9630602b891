import { ThrottlerException } from '@nestjs/throttler';

/** A tenant spent its tokens. The edge says so in its protocol's words: `SlowDown` with `Retry-After` in S3. */
export class TenantThrottledException extends ThrottlerException {
  /** @param retryAfterSeconds whole seconds, at least 1, until a request of this class can succeed */
  constructor(readonly retryAfterSeconds: number) {
    super();
  }
}
