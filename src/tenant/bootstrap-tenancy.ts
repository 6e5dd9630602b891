import type { DataSource, EntityManager } from 'typeorm';
import type { Environment } from '../config/environment';
import { StartUpError } from '../config/start-up.error';
import { AccessKey } from './entities/access-key.entity';
import { Tenant } from './entities/tenant.entity';
import { User } from './entities/user.entity';
import { SecretCipher, SecretUnreadableError } from './secret-cipher';
import type { AccessKeyCredentials } from './tenancy.service';
import { TenancyService } from './tenancy.service';

/** The tenant that is there from the first start. */
export const DEFAULT_TENANT = 'default';
const ROOT_USER = 'root';

/** The access key with which the operator begins. Its secret is known here only when it was generated in this call. */
export type RootKey = { readonly accessKeyId: string; readonly tenantId: string; readonly userId: string } & (
  { readonly isNew: true; readonly secretKey: string } | { readonly isNew: false; readonly secretKey: undefined }
);

/**
 * Makes sure of the default tenant, its root user and an access key of this user: the one of `VAULTAIRE_ROOT_ACCESS_KEY` and
 * `VAULTAIRE_ROOT_SECRET_KEY` where given (added, or its secret replaced, so that the variables always hold), else one
 * that is generated when the user has no active key.
 *
 * Safe to call at every start and on many machines at once.
 *
 * @throws StartUpError when the given key belongs to another user, or the master key is not the one the stored secrets
 * were encrypted with
 */
export async function bootstrapTenancy(
  dataSource: DataSource,
  environment: Pick<Environment, 'masterKey' | 'rootAccessKey' | 'rootSecretKey'>,
): Promise<RootKey> {
  const cipher = new SecretCipher(environment.masterKey);
  return dataSource.transaction(async (manager) => {
    await manager.query('SELECT pg_advisory_xact_lock(4, 2)');
    const tenancy = new TenancyService(manager, cipher);
    const tenant =
      (await manager.findOneBy(Tenant, { name: DEFAULT_TENANT })) ?? (await tenancy.createTenant(DEFAULT_TENANT));
    const user =
      (await manager.findOneBy(User, { tenantId: tenant.id, name: ROOT_USER })) ??
      (await tenancy.createUser(tenant, { name: ROOT_USER }));
    const owner = { tenantId: tenant.id, userId: user.id };

    const stored = await activeKeys(manager, cipher, user);
    const { rootAccessKey, rootSecretKey } = environment;
    if (rootAccessKey !== undefined && rootSecretKey !== undefined) {
      const given = { accessKeyId: rootAccessKey, secretKey: rootSecretKey };
      if (stored.get(rootAccessKey) !== rootSecretKey) await storeGivenKey(manager, tenancy, user, given);
      return { ...owner, accessKeyId: rootAccessKey, isNew: false, secretKey: undefined };
    }
    const [accessKeyId] = stored.keys();
    if (accessKeyId !== undefined) return { ...owner, accessKeyId, isNew: false, secretKey: undefined };
    return { ...owner, ...(await tenancy.createAccessKey(user)), isNew: true };
  });
}

/** Secrets of the user's active keys by id, the oldest first. */
async function activeKeys(manager: EntityManager, cipher: SecretCipher, user: User): Promise<Map<string, string>> {
  const keys = await manager.find(AccessKey, {
    select: { id: true, secretCiphertext: true },
    where: { userId: user.id, state: 'active' },
    order: { createdAt: 'ASC' },
  });
  try {
    return new Map(keys.map((key) => [key.id, cipher.open(key.id, key.secretCiphertext)]));
  } catch (cause) {
    if (!(cause instanceof SecretUnreadableError)) throw cause;
    throw new StartUpError(
      'The master key is not the one that the secrets in this database were encrypted with: ' +
        'set VAULTAIRE_MASTER_KEY, or bring back the key file of the data folder',
      { cause },
    );
  }
}

async function storeGivenKey(
  manager: EntityManager,
  tenancy: TenancyService,
  user: User,
  given: AccessKeyCredentials,
): Promise<void> {
  const existing = await manager.findOneBy(AccessKey, { id: given.accessKeyId });
  if (existing === null) {
    await tenancy.createAccessKey(user, given);
    return;
  }
  if (existing.userId !== user.id) {
    throw new StartUpError('The access key in VAULTAIRE_ROOT_ACCESS_KEY belongs to another user');
  }
  await tenancy.replaceSecret(given);
}
