import { TestDatabases } from './test-databases';

export default async function globalTeardown(): Promise<void> {
  const databases: unknown = Reflect.get(globalThis, 'vaultaireTestDatabases');
  if (databases instanceof TestDatabases) await databases.close();
}
