import 'reflect-metadata';
import { TestDatabases } from './test-databases';

/** The databases are kept on the global object for the teardown, which runs in the same process. */
export default async function globalSetup(): Promise<void> {
  const databases = new TestDatabases();
  process.env.VAULTAIRE_TEST_DATABASES = await databases.listen();
  Object.assign(globalThis, { vaultaireTestDatabases: databases });
}
