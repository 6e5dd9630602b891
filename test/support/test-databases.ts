import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { makeDataSource } from '../../src/database/data-source';
import { EmbeddedPostgres } from '../../src/database/embedded-postgres';

const TEMPLATE = 'vaultaire_template';

/**
 * One PostgreSQL for a whole test run, in jest's own process. It starts when the first spec asks for a database, so that a
 * run of nothing but unit specs pays nothing. Specs run in other processes and ask over HTTP.
 */
export class TestDatabases {
  private cluster: Promise<{ readonly postgres: EmbeddedPostgres; readonly folder: string }> | undefined;
  private server: Server | undefined;
  private lastNumber = 0;
  private queue: Promise<unknown> = Promise.resolve();

  /** @returns URL to be asked: POST makes a database and answers its URL; DELETE `?name=` drops one */
  async listen(): Promise<string> {
    const server = createServer((request, response) => {
      const name = new URL(request.url ?? '/', 'http://localhost').searchParams.get('name');
      // PostgreSQL copies a template only while nobody else does.
      this.queue = this.queue
        .then(() => (request.method === 'DELETE' ? this.drop(name ?? '') : this.create()))
        .then(
          (url) => response.end(url),
          (error: unknown) => response.writeHead(500).end(error instanceof Error ? error.stack : String(error)),
        );
    });
    this.server = server;
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return `http://127.0.0.1:${address.port}/`;
  }

  async close(): Promise<void> {
    this.server?.closeAllConnections();
    this.server?.close();
    if (this.cluster === undefined) return;
    const { postgres, folder } = await this.cluster;
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  }

  private async create(): Promise<string> {
    this.cluster ??= this.start();
    const { postgres } = await this.cluster;
    this.lastNumber += 1;
    const name = `test_${this.lastNumber}`;
    await execute(postgres.url, `CREATE DATABASE ${name} TEMPLATE ${TEMPLATE}`);
    return databaseAt(postgres.url, name);
  }

  private async drop(name: string): Promise<string> {
    if (!/^test_\d+$/.test(name) || this.cluster === undefined) throw new Error(`there is no test database ${name}`);
    const { postgres } = await this.cluster;
    await execute(postgres.url, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    return name;
  }

  private async start(): Promise<{ postgres: EmbeddedPostgres; folder: string }> {
    const folder = mkdtempSync(join(tmpdir(), 'vaultaire-test-'));
    chmodSync(folder, 0o711);
    const postgres = await EmbeddedPostgres.start({
      dataDir: folder,
      onCrash: (reason) => {
        process.stderr.write(`The PostgreSQL of the tests ended: ${reason}\n`);
      },
    });
    await execute(postgres.url, `CREATE DATABASE ${TEMPLATE}`);
    const dataSource = makeDataSource(databaseAt(postgres.url, TEMPLATE), { poolSize: 1, statementTimeoutMs: 0 });
    await dataSource.initialize();
    await dataSource.runMigrations();
    await dataSource.destroy();
    return { postgres, folder };
  }
}

function databaseAt(url: string, name: string): string {
  return url.replace(/\/postgres(\?|$)/, `/${name}$1`);
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
