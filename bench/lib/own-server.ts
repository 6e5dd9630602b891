import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pidOf, stopChild, type ChildServer } from './child-server.ts';
import type { Target } from './job.ts';

const START_TIMEOUT_MS = 60_000;
const PROGRAM = 'dist/src/main.js';

/** Vaultaire as this run started it. */
export interface OwnServer extends ChildServer {
  readonly target: Target;
  readonly adminUrl: string;
  /** An operator's. */
  readonly adminToken: string;
  /** Of its embedded PostgreSQL. */
  databaseUrl(): string;
}

/**
 * Starts Vaultaire from `dist` with the embedded PostgreSQL in a temporary folder, and waits until it is ready.
 * `stop` ends it and removes the folder. `TMPDIR` chooses the disk.
 */
export async function startOwnServer(
  workers: number | undefined,
  config: string | undefined,
  region: string,
): Promise<OwnServer> {
  if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is missing: npm run build makes it`);
  const dataDir = await mkdtemp(join(tmpdir(), 'vaultaire-bench-'));
  const [s3Port, adminPort] = await freePorts();
  const accessKey = 'BENCHACCESSKEY';
  const secretKey = 'bench-secret-of-this-run';
  const adminUrl = `http://127.0.0.1:${adminPort}`;
  const adminToken = 'bench-admin-token-of-this-run';
  const child = spawn(process.execPath, [PROGRAM], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      VAULTAIRE_HOST: '127.0.0.1',
      VAULTAIRE_S3_PORT: String(s3Port),
      VAULTAIRE_ADMIN_PORT: String(adminPort),
      VAULTAIRE_DATA_DIR: dataDir,
      VAULTAIRE_ROOT_ACCESS_KEY: accessKey,
      VAULTAIRE_ROOT_SECRET_KEY: secretKey,
      VAULTAIRE_ADMIN_TOKEN: adminToken,
      VAULTAIRE_REGION: region,
      VAULTAIRE_LOG_LEVEL: 'warn',
      ...(workers === undefined ? {} : { VAULTAIRE_WORKERS: String(workers) }),
      ...(config === undefined ? {} : { VAULTAIRE_CONFIG: resolve(config) }),
    },
  });
  const stop = async (): Promise<void> => {
    await stopChild(child);
    await rm(dataDir, { recursive: true, force: true });
  };
  try {
    await waitUntilReady(`${adminUrl}/health/ready`, () => child.exitCode !== null);
  } catch (error) {
    await stop();
    throw error;
  }
  const url = `http://127.0.0.1:${s3Port}`;
  const pid = pidOf(child);
  return {
    pid,
    url,
    adminUrl,
    adminToken,
    stop,
    databaseUrl: () => embeddedDatabaseUrl(dataDir),
    target: { name: 'vaultaire', url, accessKey, secretKey, region, pid },
  };
}

async function waitUntilReady(url: string, hasEnded: () => boolean): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    if (hasEnded()) throw new Error('Vaultaire ended while it started');
    const isReady = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (isReady) return;
    await delay(100);
  }
  throw new Error(`Vaultaire is not ready after ${START_TIMEOUT_MS / 1000} s`);
}

/** Two ports that were free a moment ago. */
async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()] as const;
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((done) => {
          server.listen(0, '127.0.0.1', () => {
            done((server.address() as AddressInfo).port);
          });
        }),
    ),
  );
  for (const server of servers) server.close();
  return [ports[0] ?? 0, ports[1] ?? 0];
}

/** What the server's own code says about its embedded PostgreSQL. */
interface EmbeddedPostgresModule {
  runningPostgresUrl(dataDir: string): string | undefined;
}

/**
 * The URL of the embedded PostgreSQL of a Vaultaire that runs on this data folder. Uses the built code in `dist`.
 *
 * @throws Error when none runs there
 */
export function embeddedDatabaseUrl(dataDir: string): string {
  const load = createRequire(resolve('package.json'));
  const { runningPostgresUrl } = load('./dist/src/database/embedded-postgres.js') as EmbeddedPostgresModule;
  const url = runningPostgresUrl(resolve(dataDir));
  if (url === undefined) throw new Error(`no embedded PostgreSQL runs in ${dataDir}`);
  return url;
}
