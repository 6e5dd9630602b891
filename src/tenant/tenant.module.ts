import { Module } from '@nestjs/common';
import { ThrottlerModule } from '@nestjs/throttler';
import { Environment } from '../config/environment';
import { VaultaireConfig } from '../config/vaultaire-config';
import { AccessKeyService } from './access-key.service';
import { KeyAdministrator } from './administration/key.administrator';
import { PlanAdministrator } from './administration/plan.administrator';
import { TenantAdministrator } from './administration/tenant.administrator';
import { UserAdministrator } from './administration/user.administrator';
import { SecretCipher } from './secret-cipher';
import { SessionTokens } from './session-tokens';
import { tenantThrottlerOptions } from './throttling/tenant-throttler.options';
import { ThrottlingModule } from './throttling/throttling.module';

/** Who is asking, and how fast they may. Who uses `TenantThrottlerGuard` provides `ThrottledRequests`. */
@Module({
  imports: [
    ThrottlingModule,
    ThrottlerModule.forRootAsync({
      inject: [VaultaireConfig],
      useFactory: (config: VaultaireConfig) => tenantThrottlerOptions(config.limits),
    }),
  ],
  providers: [
    {
      provide: SecretCipher,
      inject: [Environment],
      useFactory: (environment: Environment) => new SecretCipher(environment.masterKey),
    },
    {
      provide: SessionTokens,
      inject: [Environment],
      useFactory: (environment: Environment) => new SessionTokens(environment.masterKey),
    },
    AccessKeyService,
    KeyAdministrator,
    PlanAdministrator,
    TenantAdministrator,
    UserAdministrator,
  ],
  exports: [
    AccessKeyService,
    KeyAdministrator,
    PlanAdministrator,
    SecretCipher,
    SessionTokens,
    TenantAdministrator,
    ThrottlingModule,
    UserAdministrator,
  ],
})
export class TenantModule {}
