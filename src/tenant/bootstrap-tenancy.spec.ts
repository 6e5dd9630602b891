import { randomBytes } from 'node:crypto';
import type { DataSource } from 'typeorm';
import type { TestDatabase } from '../../test/support/test-database';
import { createTestDatabase } from '../../test/support/test-database';
import { StartUpError } from '../config/start-up.error';
import { makeDataSource } from '../database/data-source';
import type { RootKey } from './bootstrap-tenancy';
import { bootstrapTenancy, DEFAULT_TENANT } from './bootstrap-tenancy';
import { AccessKey } from './entities/access-key.entity';
import { Tenant } from './entities/tenant.entity';
import { User } from './entities/user.entity';
import { SecretCipher } from './secret-cipher';
import { TenancyService } from './tenancy.service';

const masterKey = randomBytes(32);
const generated = { masterKey, rootAccessKey: undefined, rootSecretKey: undefined };
const given = { masterKey, rootAccessKey: 'root-key', rootSecretKey: 'root-secret' };

describe('bootstrapTenancy', () => {
  let database: TestDatabase;
  let dataSource: DataSource;

  beforeEach(async () => {
    database = await createTestDatabase();
    dataSource = await makeDataSource(database.url).initialize();
  }, 60_000);

  afterEach(async () => {
    await dataSource.destroy();
    await database.drop();
  });

  async function storedSecret(id: string): Promise<string> {
    const key = await dataSource.manager.findOneOrFail(AccessKey, {
      select: { id: true, secretCiphertext: true },
      where: { id, state: 'active' },
    });
    return new SecretCipher(masterKey).open(id, key.secretCiphertext);
  }

  it('generates one root key, however many gateways start at once', async () => {
    const keys = await Promise.all(Array.from({ length: 5 }, () => bootstrapTenancy(dataSource, generated)));
    const [first] = keys.filter(({ isNew }) => isNew);
    expect(keys.filter(({ isNew }) => isNew)).toHaveLength(1);
    expect(new Set(keys.map(({ accessKeyId }) => accessKeyId)).size).toBe(1);
    expect(await storedSecret(first?.accessKeyId ?? '')).toBe(first?.secretKey);
    expect(await dataSource.manager.count(Tenant)).toBe(1);
    expect(await dataSource.manager.count(User)).toBe(1);
  });

  it('does not tell the secret again', async () => {
    const first = await bootstrapTenancy(dataSource, generated);
    const again: RootKey = await bootstrapTenancy(dataSource, generated);
    expect(again).toEqual({ ...first, isNew: false, secretKey: undefined });
  });

  it('takes the key that is given, also with another secret, and after it was revoked', async () => {
    await bootstrapTenancy(dataSource, generated);
    await bootstrapTenancy(dataSource, given);
    expect(await storedSecret('root-key')).toBe('root-secret');
    await bootstrapTenancy(dataSource, { ...given, rootSecretKey: 'another-secret' });
    expect(await storedSecret('root-key')).toBe('another-secret');
    await new TenancyService(dataSource.manager, new SecretCipher(masterKey)).revokeAccessKey('root-key');
    await bootstrapTenancy(dataSource, given);
    expect(await storedSecret('root-key')).toBe('root-secret');
  });

  it('does not take the key of another user', async () => {
    await bootstrapTenancy(dataSource, generated);
    const tenancy = new TenancyService(dataSource.manager, new SecretCipher(masterKey));
    const user = await tenancy.createUser(await tenancy.findTenant(DEFAULT_TENANT), { name: 'other' });
    await tenancy.createAccessKey(user, { accessKeyId: 'root-key', secretKey: 'secret-of-other' });
    await expect(bootstrapTenancy(dataSource, given)).rejects.toThrow(StartUpError);
    expect(await storedSecret('root-key')).toBe('secret-of-other');
  });

  it('refuses to start with another master key', async () => {
    await bootstrapTenancy(dataSource, generated);
    const start = bootstrapTenancy(dataSource, { ...generated, masterKey: randomBytes(32) });
    await expect(start).rejects.toThrow(/VAULTAIRE_MASTER_KEY/);
  });

  it('keeps no secret in the clear', async () => {
    await bootstrapTenancy(dataSource, given);
    const rows: { row: string }[] = await dataSource.query(
      'SELECT encode(secret_ciphertext, $1) AS row FROM access_keys',
      ['escape'],
    );
    expect(JSON.stringify(rows)).not.toContain('root-secret');
  });

  it('finds the tables as the entities describe them', async () => {
    const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
    expect(upQueries.map(({ query }) => query)).toEqual([]);
  });
});
