import type { OnApplicationShutdown } from '@nestjs/common';
import type { Pool, PoolClient, QueryConfig, QueryResultRow } from 'pg';
import { tracing } from '../context/tracing';
import { CopyIn } from './copy-in';
import type { PipelinedConnections } from './pipelined-connections';

/** A prepared statement: named once per connection, so that PostgreSQL parses and plans it once. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

export interface Queryable {
  query<Row extends QueryResultRow>(statement: Statement, values: readonly unknown[]): Promise<Row[]>;
}

const MAX_ATTEMPTS = 4;

/** PostgreSQL can't be reached, refuses connections or is going down. The request may be tried again (503). */
export class DatabaseUnavailableError extends Error {
  override readonly name = 'DatabaseUnavailableError';
}

/**
 * The hot path's way to PostgreSQL: prepared, named statements through the pool that TypeORM also uses; no entity
 * hydration. Columns arrive as node-postgres parses them: `bigint` as text, `timestamptz` as Date, `bytea` as Buffer.
 */
export class Database implements Queryable, OnApplicationShutdown {
  constructor(
    private readonly pool: Pool,
    /** Without them, reads go through the pool as well: for commands, which do few. */
    private readonly reads?: PipelinedConnections,
  ) {}

  /** Ends the connections for reads; the pool is TypeORM's, which ends it. */
  async onApplicationShutdown(): Promise<void> {
    await this.reads?.close();
  }

  /**
   * {@link query} for a statement that reads a few rows by index, on connections that several such statements share at a
   * time. Nothing that writes, locks, or may take long.
   */
  async read<Row extends QueryResultRow>(statement: Statement, values: readonly unknown[]): Promise<Row[]> {
    if (this.reads === undefined) return this.query(statement, values);
    const call = this.reads.query<Row>(toConfig(statement, values));
    try {
      return (await traced(statement.name, call)).rows;
    } catch (error) {
      throw asUnavailable(error);
    }
  }

  /**
   * One round trip, one transaction; run again when PostgreSQL chose it as the victim of a deadlock. Throws
   * {@link DatabaseUnavailableError} when the database is away.
   */
  async query<Row extends QueryResultRow>(statement: Statement, values: readonly unknown[]): Promise<Row[]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return (await traced(statement.name, this.pool.query<Row>(toConfig(statement, values)))).rows;
      } catch (error) {
        // The statement was its own transaction and was rolled back whole, so it may simply run again.
        if (attempt < MAX_ATTEMPTS && isSerializationFailure(error)) continue;
        throw asUnavailable(error);
      }
    }
  }

  /** Runs `work` between BEGIN and COMMIT on one connection; a throw rolls back. */
  async transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T> {
    const client = await this.connect();
    try {
      await client.query('BEGIN');
      const result = await work({
        query: async <Row extends QueryResultRow>(statement: Statement, values: readonly unknown[]) =>
          (await traced(statement.name, client.query<Row>(toConfig(statement, values)))).rows,
      });
      await client.query('COMMIT');
      client.release();
      return result;
    } catch (error) {
      const isRolledBack = await client.query('ROLLBACK').then(
        () => true,
        () => false,
      );
      client.release(!isRolledBack);
      throw asUnavailable(error);
    }
  }

  /**
   * Runs a `COPY ... FROM STDIN` with `data` in its text format: the cheapest way to add many rows. One transaction, with
   * the statements of `around` in it. Throws {@link DatabaseUnavailableError} when the database is away.
   */
  async copyIn(
    text: string,
    data: Buffer,
    around?: { readonly before: string; readonly after: string },
  ): Promise<void> {
    const client = await this.connect();
    let isBroken = false;
    try {
      if (around !== undefined) await client.query(`BEGIN; ${around.before}`);
      await traced('copy', client.query(new CopyIn(text, data)).done);
      if (around !== undefined) await client.query(`${around.after}; COMMIT`);
    } catch (error) {
      // Whoever gets the connection next must not find itself in this transaction.
      isBroken = around !== undefined;
      throw asUnavailable(error);
    } finally {
      client.release(isBroken);
    }
  }

  /** Connections of this process's pool, and callers that wait for one. */
  poolUsage(): { readonly total: number; readonly idle: number; readonly waiting: number } {
    return { total: this.pool.totalCount, idle: this.pool.idleCount, waiting: this.pool.waitingCount };
  }

  private async connect(): Promise<PoolClient> {
    try {
      const client = await this.pool.connect();
      // Besides failing the query that is running, node-postgres emits that a connection broke. While it is checked out, the
      // pool does not listen, and an event that nobody hears would end the process.
      if (!client.listeners('error').includes(ignore)) client.on('error', ignore);
      return client;
    } catch (error) {
      throw asUnavailable(error);
    }
  }
}

/** `call` itself, with a span of the statement's name where the request at hand is traced. */
function traced<T>(name: string, call: Promise<T>): Promise<T> {
  const traces = tracing();
  if (traces === undefined) return call;
  const startedAtMs = performance.now();
  const end = (error?: unknown): void => {
    traces.called(`database.${name}`, startedAtMs, { 'db.system.name': 'postgresql' }, error);
  };
  void call.then(() => {
    end();
  }, end);
  return call;
}

function ignore(): void {
  // The query that needed the connection rejects.
}

function toConfig(statement: Statement, values: readonly unknown[]): QueryConfig {
  return { name: statement.name, text: statement.text, values: [...values] };
}

/** SQLSTATE classes 08 (connection), 53 (resources) and 57P (operator intervention) mean away, as do socket errors. */
function asUnavailable(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const isAway =
    /^(08|53|57P)/.test(code) ||
    /^E(CONNREFUSED|CONNRESET|PIPE|NOENT|HOSTUNREACH|TIMEDOUT|AI_AGAIN)/.test(code) ||
    /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error/.test(
      error.message,
    );
  return isAway ? new DatabaseUnavailableError('PostgreSQL is unavailable', { cause: error }) : error;
}

/** SQLSTATE 40001 serialization_failure, 40P01 deadlock_detected. */
function isSerializationFailure(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === '40P01' || error.code === '40001');
}
