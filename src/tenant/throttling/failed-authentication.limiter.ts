import { Injectable } from '@nestjs/common';
import { VaultaireConfig } from '../../config/vaultaire-config';
import { clientNetwork } from './client-network';
import { RateLimiter } from './rate-limiter.service';

/**
 * Limits what a client address may try with access keys that are unknown and signatures that are wrong. A valid request takes
 * nothing, and is let in whatever others behind the same address do, as long as its key is in memory.
 */
@Injectable()
export class FailedAuthenticationLimiter {
  constructor(
    private readonly limiter: RateLimiter,
    private readonly config: VaultaireConfig,
  ) {}

  /**
   * Before a look-up of a key, and after a failure: takes one attempt of the address.
   *
   * @throws TenantThrottledException as a rejection, when the address has none left
   */
  async attempt(remoteAddress: string | undefined): Promise<void> {
    const { failedAuthentication } = this.config.limits;
    const waitMs = await this.limiter.take('address', clientNetwork(remoteAddress), 'address', failedAuthentication);
    if (waitMs > 0) throw this.limiter.refusal('address', 'address', waitMs);
  }

  /** The attempt was none: the request is valid, or nobody could tell. */
  forgive(remoteAddress: string | undefined): void {
    this.limiter.refund('address', clientNetwork(remoteAddress), 'address');
  }
}
