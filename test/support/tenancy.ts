import { randomBytes } from 'node:crypto';
import type { DataSource } from 'typeorm';
import type { KeyScope } from '../../src/context/policy/key-scope';
import { makeDataSource } from '../../src/database/data-source';
import { AccessKey } from '../../src/tenant/entities/access-key.entity';
import { Tenant } from '../../src/tenant/entities/tenant.entity';
import type { TenantState } from '../../src/tenant/entities/tenant.entity';
import type { User } from '../../src/tenant/entities/user.entity';
import { SecretCipher } from '../../src/tenant/secret-cipher';
import type { AccessKeyCredentials } from '../../src/tenant/tenancy.service';
import { TenancyService } from '../../src/tenant/tenancy.service';
import type { RunningVaultaire } from './start-vaultaire';

/** Makes tenants, users and keys of a running gateway, straight in its database. */
export class TestTenancy {
  private constructor(
    readonly dataSource: DataSource,
    private readonly tenancy: TenancyService,
  ) {}

  /** `masterKey`: what the gateway was started with. */
  static async of(vaultaire: RunningVaultaire, masterKey: Buffer): Promise<TestTenancy> {
    if (vaultaire.databaseUrl === undefined) throw new Error('the database is embedded');
    const dataSource = await makeDataSource(vaultaire.databaseUrl).initialize();
    return new TestTenancy(dataSource, new TenancyService(dataSource.manager, new SecretCipher(masterKey)));
  }

  async close(): Promise<void> {
    await this.dataSource.destroy();
  }

  async tenant(name: string): Promise<Tenant> {
    return (await this.dataSource.manager.findOneBy(Tenant, { name })) ?? this.tenancy.createTenant(name);
  }

  user(tenant: Tenant, name = `user-${randomBytes(4).toString('hex')}`): Promise<User> {
    return this.tenancy.createUser(tenant, { name });
  }

  existingUser(tenant: Tenant, name: string): Promise<User> {
    return this.tenancy.findUser(tenant, name);
  }

  async key(user: User, restricted: KeyRestrictions = {}): Promise<AccessKeyCredentials> {
    const credentials = await this.tenancy.createAccessKey(user);
    if (Object.keys(restricted).length > 0) await this.restrict(credentials, restricted);
    return credentials;
  }

  async restrict({ accessKeyId }: AccessKeyCredentials, { scope, expiresAt }: KeyRestrictions): Promise<void> {
    await this.dataSource.query(
      'UPDATE access_keys SET scope = coalesce($2::jsonb, scope), expires_at = coalesce($3, expires_at) WHERE id = $1',
      [accessKeyId, scope === undefined ? null : JSON.stringify(scope), expiresAt ?? null],
    );
  }

  revoke({ accessKeyId }: AccessKeyCredentials): Promise<void> {
    return this.tenancy.revokeAccessKey(accessKeyId);
  }

  /** Makes a revoked key active again. */
  async restore({ accessKeyId }: AccessKeyCredentials): Promise<void> {
    await this.dataSource.manager.update(AccessKey, accessKeyId, { state: 'active' });
  }

  async setState(tenant: Tenant, state: TenantState): Promise<void> {
    await this.dataSource.manager.update(Tenant, tenant.id, { state });
  }
}

export interface KeyRestrictions {
  readonly scope?: KeyScope | undefined;
  readonly expiresAt?: Date | undefined;
}
