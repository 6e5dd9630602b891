import { Client } from 'pg';
import { bootstrapAdminToken } from '../admin-api/tokens/bootstrap-admin-token';
import type { Environment } from '../config/environment';
import { reasonOf, StartUpError } from '../config/start-up.error';
import { connectionSettings, makeDataSource } from '../database/data-source';
import { bootstrapTenancy } from '../tenant/bootstrap-tenancy';
import type { RootKey } from '../tenant/bootstrap-tenancy';
import { TenancyError } from '../tenant/tenancy.error';

const OLDEST_VERSION = 150_000;
/** Advisory lock of the migrations: however many gateways start at once, one at a time looks and migrates. */
const MIGRATION_LOCK = 'SELECT pg_advisory_lock(4, 1)';

/** What an operator begins with. Secrets are in it only when they were generated in this start. */
export interface FirstCredentials {
  readonly rootKey: RootKey;
  /** Bearer token of the admin API. */
  readonly adminToken: string | undefined;
}

/**
 * Brings the database to the schema of this version, and makes the default tenant with its root key and the
 * operator's token. The first use of the
 * database at a start, so what is wrong with it is explained here.
 *
 * @throws StartUpError when PostgreSQL can't be reached or used
 */
export async function prepareDatabase(environment: Environment, url: string): Promise<FirstCredentials> {
  const lock = new Client(connectionSettings(url));
  // A connection that breaks shows in the query that needed it.
  lock.on('error', () => undefined);
  try {
    await connect(lock, url);
    await assertUsable(lock);
    await lock.query(MIGRATION_LOCK);
    return await migrate(environment, url);
  } finally {
    await lock.end().catch(() => undefined);
  }
}

async function migrate(environment: Environment, url: string): Promise<FirstCredentials> {
  const dataSource = makeDataSource(url, { poolSize: 2, statementTimeoutMs: 0 });
  try {
    await dataSource.initialize();
    await dataSource.runMigrations();
    const rootKey = await bootstrapTenancy(dataSource, environment);
    return { rootKey, adminToken: await bootstrapAdminToken(dataSource, environment) };
  } catch (error) {
    if (error instanceof TenancyError) throw new StartUpError(error.message, { cause: error });
    if (reasonOf(error) !== '42501') throw error;
    throw new StartUpError('The user of DATABASE_URL may not create tables in its database: grant it that', {
      cause: error,
    });
  } finally {
    if (dataSource.isInitialized) await dataSource.destroy();
  }
}

async function connect(client: Client, url: string): Promise<void> {
  try {
    await client.connect();
  } catch (error) {
    throw new StartUpError(explain(reasonOf(error), client, url), { cause: error });
  }
}

/** SQLSTATE codes of PostgreSQL's appendix A, or the system's. */
function explain(reason: string, client: Client, url: string): string {
  const server = `PostgreSQL at ${client.host}:${client.port}`;
  switch (reason) {
    case '28P01':
    case '28000':
      return `${server} refuses the user or the password of DATABASE_URL`;
    case '3D000':
      return `${server} has no database ${client.database ?? ''}: create it, or correct DATABASE_URL`;
    default:
      return `${server} can't be reached (${withoutSecrets(reason, url)}): look at DATABASE_URL`;
  }
}

function withoutSecrets(text: string, url: string): string {
  const password = URL.parse(url)?.password;
  return password === undefined || password === '' ? text : text.replaceAll(password, '***');
}

async function assertUsable(client: Client): Promise<void> {
  const { rows } = await client.query<{ version: string; number: string; encoding: string }>(
    `SELECT current_setting('server_version') AS version, current_setting('server_version_num') AS number,
       current_setting('server_encoding') AS encoding`,
  );
  const [row] = rows;
  if (row === undefined) return;
  if (Number(row.number) < OLDEST_VERSION) {
    throw new StartUpError(`PostgreSQL ${row.version} is too old: DATABASE_URL must lead to version 15 or newer`);
  }
  if (row.encoding !== 'UTF8') {
    throw new StartUpError(
      `The database of DATABASE_URL is encoded in ${row.encoding}: create it with ENCODING 'UTF8'`,
    );
  }
}
