import type { ClientConfig } from 'pg';
import { DataSource } from 'typeorm';
import type { PostgresDataSourceOptions } from 'typeorm/driver/postgres/PostgresDataSourceOptions';
import { ENTITIES } from './entities';
import { MIGRATIONS } from './migrations';

const CONNECT_TIMEOUT_MS = 5_000;
const READ_TIMEOUT_MS = 10_000;

export interface DataSourceSettings {
  /** Connections of this process at the most. Default 10. */
  readonly poolSize?: number;
  /** After which PostgreSQL gives a statement up; 0: never, for migrations. Default one minute. */
  readonly statementTimeoutMs?: number;
  /** Told of connections that break while idle in the pool, which replaces them by itself. */
  readonly onPoolError?: (error: unknown) => void;
}

/**
 * The gateway's database, not yet connected: `initialize()` does that. Everything passes through one pool of
 * node-postgres; the schema changes by migrations only.
 */
export function makeDataSource(url: string, settings: DataSourceSettings = {}): DataSource {
  return new DataSource(dataSourceOptions(url, settings));
}

export function dataSourceOptions(url: string, settings: DataSourceSettings = {}): PostgresDataSourceOptions {
  return {
    type: 'postgres',
    entities: [...ENTITIES],
    migrations: [...MIGRATIONS],
    migrationsTableName: 'migrations',
    migrationsTransactionMode: 'each',
    synchronize: false,
    installExtensions: false,
    useUTC: true,
    poolErrorHandler: settings.onPoolError ?? (() => undefined),
    extra: {
      ...connectionSettings(url),
      max: settings.poolSize ?? 10,
      // Idle connections stay: each holds the plans of its prepared statements, and closing them takes a timer per query.
      idleTimeoutMillis: 0,
      allowExitOnIdle: true,
      statement_timeout: settings.statementTimeoutMs ?? 60_000,
      idle_in_transaction_session_timeout: settings.statementTimeoutMs ?? 60_000,
    },
  };
}

/** Settings of connections that only read a few rows at a time. */
export function readSettings(url: string): ClientConfig {
  return { ...connectionSettings(url), statement_timeout: READ_TIMEOUT_MS };
}

/** Settings for node-postgres, of every connection inside the pool and outside. */
export function connectionSettings(url: string): {
  readonly connectionString: string;
  readonly application_name: string;
  readonly connectionTimeoutMillis: number;
  readonly keepAlive: boolean;
  readonly options: string;
} {
  return {
    connectionString: url,
    application_name: 'vaultaire',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    // Compiling plans takes longer than any statement of the gateway.
    options: '-c jit=off',
  };
}
