import { Injectable } from '@nestjs/common';
import { VaultaireConfig } from '../../config/vaultaire-config';
import { clientNetwork } from './client-network';
import { RateLimiter } from './rate-limiter.service';

/** Tokens that are not in memory, of one client address: so many at once, and one more every three seconds. */
const UNKNOWN_TOKENS = { perSecond: 1 / 3, burst: 20 };

/** Limits what each token of the admin plane may ask, by `limits.admin` of the configuration, and how often a client may guess one. */
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
  async admit(actor: string): Promise<void> {
    const waitMs = await this.limiter.take('actor', actor, 'admin', this.config.limits.admin);
    if (waitMs > 0) throw this.limiter.refusal('admin', 'actor', waitMs);
  }

  /**
   * Before a token is looked up that is not in memory.
   *
   * @throws TenantThrottledException as a rejection, when the address has no try left
   */
  async attempt(remoteAddress: string | undefined): Promise<void> {
    const waitMs = await this.limiter.take('address', bucketOf(remoteAddress), 'address', UNKNOWN_TOKENS);
    if (waitMs > 0) throw this.limiter.refusal('address', 'address', waitMs);
  }

  /** The token was a good one. */
  forgive(remoteAddress: string | undefined): void {
    this.limiter.refund('address', bucketOf(remoteAddress), 'address');
  }
}

/** Apart from the one of S3, so that neither plane's guesses lock the other. */
function bucketOf(remoteAddress: string | undefined): string {
  return `admin-token:${clientNetwork(remoteAddress)}`;
}
