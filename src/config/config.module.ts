import { Global, Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { Environment } from './environment';
import { VaultaireConfig } from './vaultaire-config';

/** Hands the {@link Environment} and the {@link VaultaireConfig} that the start-up validated to every module. */
@Global()
@Module({})
export class ConfigModule {
  static forRoot(environment: Environment, config: VaultaireConfig): DynamicModule {
    return {
      module: ConfigModule,
      providers: [
        { provide: Environment, useValue: environment },
        { provide: VaultaireConfig, useValue: config },
      ],
      exports: [Environment, VaultaireConfig],
    };
  }
}
