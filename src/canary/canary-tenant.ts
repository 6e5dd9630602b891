import { hkdfSync } from 'node:crypto';
import type { DataSource } from 'typeorm';
import type { Environment } from '../config/environment';
import { AccessKey } from '../tenant/entities/access-key.entity';
import { Tenant } from '../tenant/entities/tenant.entity';
import { User } from '../tenant/entities/user.entity';
import { SecretCipher } from '../tenant/secret-cipher';
import type { AccessKeyCredentials } from '../tenant/tenancy.service';
import { TenancyService } from '../tenant/tenancy.service';

/** The tenant and the user of the canary. */
export const CANARY = 'vaultaire-canary';

const PURPOSE = 'vaultaire canary, access key, version 1';
const KEY_BYTES = 42;
const ID_CHARS = 16;
const ID_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/**
 * Makes sure of the canary's tenant, user and access key. The key is derived from the master key, so that all processes and machines
 * have the same one without telling each other. Safe to call at any time on many machines at once.
 */
export async function ensureCanaryTenant(
  dataSource: DataSource,
  { masterKey }: Pick<Environment, 'masterKey'>,
): Promise<AccessKeyCredentials> {
  const credentials = credentialsOf(masterKey);
  await dataSource.transaction(async (manager) => {
    await manager.query('SELECT pg_advisory_xact_lock(4, 2)');
    const tenancy = new TenancyService(manager, new SecretCipher(masterKey));
    const tenant = (await manager.findOneBy(Tenant, { name: CANARY })) ?? (await tenancy.createTenant(CANARY));
    const user =
      (await manager.findOneBy(User, { tenantId: tenant.id, name: CANARY })) ??
      (await tenancy.createUser(tenant, { name: CANARY }));
    const key = await manager.findOneBy(AccessKey, { id: credentials.accessKeyId });
    if (key === null) await tenancy.createAccessKey(user, credentials, { description: 'of the canary' });
  });
  return credentials;
}

function credentialsOf(masterKey: Buffer): AccessKeyCredentials {
  const bytes = Buffer.from(hkdfSync('sha256', masterKey, '', PURPOSE, KEY_BYTES));
  const id = Array.from(bytes.subarray(0, ID_CHARS), (byte) => ID_ALPHABET.charAt(byte % 32)).join('');
  return { accessKeyId: `AKIA${id}`, secretKey: bytes.subarray(ID_CHARS).toString('base64url') };
}
