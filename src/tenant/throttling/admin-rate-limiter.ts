import { Injectable } from '@nestjs/common';
import { VaultaireConfig } from '../../config/vaultaire-config';
import { RateLimiter } from './rate-limiter.service';

/** Limits what each token of the admin plane may ask, by `limits.admin` of the configuration. */
@Injectable()
export class AdminRateLimiter {
  constructor(
    private readonly limiter: RateLimiter,
    private readonly config: VaultaireConfig,
  ) {}

  /**
   * `actor`: who calls, as `token:<name>`.
   *
   * @throws TenantThrottledException (429, with the seconds to wait) as a rejection
   */
  async admitAdmin(actor: string): Promise<void> {
    const waitMs = await this.limiter.take('actor', actor, 'admin', this.config.limits.admin);
    if (waitMs > 0) throw this.limiter.refusal('admin', 'actor', waitMs);
  }
}
