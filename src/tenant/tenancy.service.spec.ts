import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import type { TestDatabase } from '../../test/support/test-database';
import { createTestDatabase } from '../../test/support/test-database';
import { connectionSettings, makeDataSource } from '../database/data-source';
import { Database } from '../database/database';
import { poolOf } from '../database/database.module';
import { PostgresNotificationListener } from '../database/postgres-notification-listener';
import { VaultaireConfig } from '../config/vaultaire-config';
import type { AccessKeyRecord } from './access-key.service';
import { AccessKeyService } from './access-key.service';
import { Tenant } from './entities/tenant.entity';
import type { User } from './entities/user.entity';
import { SecretCipher } from './secret-cipher';
import { TenancyError } from './tenancy.error';
import { TenancyService } from './tenancy.service';

const cipher = new SecretCipher(randomBytes(32));

describe('TenancyService', () => {
  let database: TestDatabase;
  let dataSource: DataSource;
  let listener: PostgresNotificationListener;
  let tenancy: TenancyService;
  /** As in another process: it hears of changes through PostgreSQL alone. */
  let elsewhere: AccessKeyService;
  let tenant: Tenant;
  let user: User;

  beforeAll(async () => {
    database = await createTestDatabase();
    dataSource = await makeDataSource(database.url).initialize();
    listener = new PostgresNotificationListener(connectionSettings(database.url));
    elsewhere = new AccessKeyService(new Database(poolOf(dataSource)), listener, cipher, new VaultaireConfig());
    await listener.onApplicationBootstrap();
    tenancy = new TenancyService(dataSource.manager, cipher);
    tenant = await tenancy.createTenant('acme');
    user = await tenancy.createUser(tenant, { name: 'ada', displayName: 'Ada' });
  }, 60_000);

  afterAll(async () => {
    await listener.onApplicationShutdown();
    await dataSource.destroy();
    await database.drop();
  });

  /** Notifications take a moment: asks until `isSeen`, or for ever, which jest ends. */
  async function seen(
    accessKeyId: string,
    isSeen: (record: AccessKeyRecord | undefined) => boolean,
  ): Promise<AccessKeyRecord | undefined> {
    for (;;) {
      const record = await elsewhere.find(accessKeyId);
      if (isSeen(record)) return record;
      await setImmediate();
    }
  }

  it('creates a key that signs at once everywhere, also where it was asked for before', async () => {
    await expect(elsewhere.find('early-bird')).resolves.toBeUndefined();
    await tenancy.createAccessKey(user, { accessKeyId: 'early-bird', secretKey: 'secret-of-early-bird' });
    expect(await seen('early-bird', (record) => record !== undefined)).toMatchObject({
      accessKeyId: 'early-bird',
      secretKey: 'secret-of-early-bird',
      tenantId: tenant.id,
      userId: user.id,
      canonicalId: user.canonicalId,
      displayName: 'Ada',
      tenantState: 'active',
      expiresAtMs: undefined,
    });
  });

  it('generates keys in the form of AWS', async () => {
    const { accessKeyId, secretKey } = await tenancy.createAccessKey(user);
    expect(accessKeyId).toMatch(/^AKIA[A-Z2-7]{16}$/);
    expect(secretKey).toHaveLength(40);
    await expect(elsewhere.find(accessKeyId)).resolves.toMatchObject({ secretKey });
  });

  it('revokes a key everywhere', async () => {
    const { accessKeyId } = await tenancy.createAccessKey(user);
    await elsewhere.find(accessKeyId);
    await tenancy.revokeAccessKey(accessKeyId);
    await seen(accessKeyId, (record) => record === undefined);
  });

  it('tells everywhere that a tenant is suspended', async () => {
    const { accessKeyId } = await tenancy.createAccessKey(user);
    await elsewhere.find(accessKeyId);
    await dataSource.manager.update(Tenant, tenant.id, { state: 'suspended' });
    await seen(accessKeyId, (record) => record?.tenantState === 'suspended');
    await dataSource.manager.update(Tenant, tenant.id, { state: 'active' });
    await seen(accessKeyId, (record) => record?.tenantState === 'active');
  });

  it.each<[string, () => Promise<unknown>, string]>([
    ['a tenant twice', () => tenancy.createTenant('acme'), 'There is a tenant acme already'],
    ['a user twice', () => tenancy.createUser(tenant, { name: 'ada' }), 'There is a user ada of tenant acme already'],
    ['a name with a space', () => tenancy.createTenant('a b'), '"a b" can be no tenant name'],
    ['an unknown tenant', () => tenancy.findTenant('nobody'), 'There is no tenant nobody'],
    ['an unknown user', () => tenancy.findUser(tenant, 'nobody'), 'There is no user nobody of tenant acme'],
    ['an unknown key', () => tenancy.revokeAccessKey('nobody'), 'There is no access key nobody'],
    [
      'a key id with a slash',
      () => tenancy.createAccessKey(user, { accessKeyId: 'a/b', secretKey: 'long-enough' }),
      'An access key id has',
    ],
    [
      'a short secret',
      () => tenancy.createAccessKey(user, { accessKeyId: 'short', secretKey: 'short' }),
      'A secret key has 8 to 128 characters',
    ],
  ])('refuses %s in words for an operator', async (_, attempt, message) => {
    const error: unknown = await attempt().catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(TenancyError);
    expect(String(error)).toContain(message);
  });
});
