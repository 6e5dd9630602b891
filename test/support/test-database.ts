/** A database of its own, with all migrations applied. */
export interface TestDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/** Makes a database in the PostgreSQL of this test run. Takes some 50 ms; the first one a second or two. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const url = await ask('POST', '');
  const name = new URL(url).pathname.slice(1);
  return {
    url,
    drop: async () => {
      await ask('DELETE', `?name=${name}`);
    },
  };
}

async function ask(method: string, query: string): Promise<string> {
  const server = process.env.VAULTAIRE_TEST_DATABASES;
  if (server === undefined) throw new Error('the global setup of jest has not run');
  const response = await fetch(`${server}${query}`, { method });
  const text = await response.text();
  if (!response.ok) throw new Error(`The test database could not be made or dropped: ${text}`);
  return text;
}
