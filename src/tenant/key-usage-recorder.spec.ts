import { randomBytes } from 'node:crypto';
import type { DataSource } from 'typeorm';
import type { TestDatabase } from '../../test/support/test-database';
import { createTestDatabase } from '../../test/support/test-database';
import { RequestRecord } from '../context/request-record';
import { Database } from '../database/database';
import { poolOf } from '../database/database.module';
import { makeDataSource } from '../database/data-source';
import { AccessKey } from './entities/access-key.entity';
import type { User } from './entities/user.entity';
import { KeyUsageRecorder } from './key-usage-recorder';
import { SecretCipher } from './secret-cipher';
import { TenancyService } from './tenancy.service';

const NOW_MS = Date.parse('2030-01-01T00:00:00Z');

/** A request that was signed rightly, unless `userId` is undefined. */
function request(accessKeyId: string | undefined, atMs: number, userId: string | undefined = 'user'): RequestRecord {
  const record = Object.assign(new RequestRecord('request', 'GetObject'), { accessKeyId, userId });
  return Object.assign(record, { startedAtMs: atMs });
}

describe('KeyUsageRecorder', () => {
  let testDatabase: TestDatabase;
  let dataSource: DataSource;
  let tenancy: TenancyService;
  let user: User;
  let database: Database;
  let recorder: KeyUsageRecorder;

  beforeAll(async () => {
    testDatabase = await createTestDatabase();
    dataSource = await makeDataSource(testDatabase.url).initialize();
    database = new Database(poolOf(dataSource));
    tenancy = new TenancyService(dataSource.manager, new SecretCipher(randomBytes(32)));
    user = await tenancy.createUser(await tenancy.createTenant('acme'), { name: 'ada' });
  }, 60_000);

  afterAll(async () => {
    await dataSource.destroy();
    await testDatabase.drop();
  });

  beforeEach(() => {
    recorder = new KeyUsageRecorder(database);
  });

  const newKey = async (): Promise<string> => (await tenancy.createAccessKey(user)).accessKeyId;
  const lastUseOf = async (id: string): Promise<number | undefined> =>
    (await dataSource.manager.findOneByOrFail(AccessKey, { id })).lastUsedAt?.getTime();

  it('writes when keys were last used, many at once', async () => {
    const queries = jest.spyOn(database, 'query');
    const [first, second, unused] = [await newKey(), await newKey(), await newKey()];
    recorder.requestSettled(request(first, NOW_MS));
    recorder.requestSettled(request(second, NOW_MS + 1));
    await recorder.flush();
    expect([await lastUseOf(first), await lastUseOf(second), await lastUseOf(unused)]).toEqual([
      NOW_MS,
      NOW_MS + 1,
      undefined,
    ]);
    expect(queries).toHaveBeenCalledTimes(1);
    queries.mockRestore();
  });

  it('writes a key that is used all the time once a minute', async () => {
    const queries = jest.spyOn(database, 'query');
    const id = await newKey();
    for (const afterMs of [0, 1_000, 30_000, 59_999]) {
      recorder.requestSettled(request(id, NOW_MS + afterMs));
      await recorder.flush();
    }
    expect([await lastUseOf(id), queries.mock.calls.length]).toEqual([NOW_MS, 1]);
    recorder.requestSettled(request(id, NOW_MS + 60_000));
    await recorder.flush();
    expect([await lastUseOf(id), queries.mock.calls.length]).toEqual([NOW_MS + 60_000, 2]);
    queries.mockRestore();
  });

  it('leaves a use alone that another process wrote later', async () => {
    const id = await newKey();
    const elsewhere = new KeyUsageRecorder(database);
    elsewhere.requestSettled(request(id, NOW_MS + 10_000));
    await elsewhere.flush();
    recorder.requestSettled(request(id, NOW_MS));
    await recorder.flush();
    expect(await lastUseOf(id)).toBe(NOW_MS + 10_000);
  });

  it('believes no signature that was not checked, and passes over requests without a key', async () => {
    const id = await newKey();
    recorder.requestSettled(Object.assign(request(id, NOW_MS), { userId: undefined }));
    recorder.requestSettled(request(undefined, NOW_MS));
    await recorder.flush();
    expect(await lastUseOf(id)).toBeUndefined();
  });

  it('does not count as a change of the key', async () => {
    const id = await newKey();
    const before = await dataSource.manager.findOneByOrFail(AccessKey, { id });
    recorder.requestSettled(request(id, NOW_MS));
    await recorder.flush();
    expect((await dataSource.manager.findOneByOrFail(AccessKey, { id })).revision).toBe(before.revision);
  });

  it('outlives a database that is away, and writes the next use', async () => {
    const id = await newKey();
    const query = jest.spyOn(database, 'query').mockRejectedValueOnce(new Error('away'));
    recorder.requestSettled(request(id, NOW_MS));
    await recorder.flush();
    query.mockRestore();
    recorder.requestSettled(request(id, NOW_MS + 1_000));
    await recorder.beforeApplicationShutdown();
    expect(await lastUseOf(id)).toBe(NOW_MS + 1_000);
  });
});
