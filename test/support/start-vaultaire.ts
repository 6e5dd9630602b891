import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import type { S3ClientConfig } from '@aws-sdk/client-s3';
import { stringify } from 'yaml';
import { createTestDatabase } from './test-database';

const PROJECT = join(__dirname, '../..');
const MAIN = join(PROJECT, 'dist/src/main.js');
/** Without the build that goes before it: other specs use what was built. */
const NPM_START = ['npm', 'start', '--silent', '--ignore-scripts'];
const ROOT_ACCESS_KEY = 'AKIATESTTESTTESTTEST';
const ROOT_SECRET_KEY = 'test/secret+key/of/the/root/user/0000000';
const ADMIN_TOKEN = 'test-token-of-the-first-operator';

export interface VaultaireOptions {
  /** Processes; default 1. */
  readonly workers?: number;
  /** Further environment variables; undefined leaves one out. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Content of the configuration file. */
  readonly config?: object;
  /** `embedded`: a PostgreSQL in the data folder. Default: a fresh database of the test run's PostgreSQL. */
  readonly database?: 'fresh' | 'embedded';
  /** Started by `npm start`, which then is the first process. */
  readonly isStartedByNpm?: boolean;
}

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The built gateway, run as its operators run it, on free ports, with a folder and a database of its own. */
export class RunningVaultaire {
  readonly accessKeyId = ROOT_ACCESS_KEY;
  readonly secretAccessKey = ROOT_SECRET_KEY;
  /** An operator's, for the admin API. */
  readonly adminToken = ADMIN_TOKEN;
  readonly region = 'us-east-1';
  private child: ChildProcess | undefined;
  private ports: { readonly s3Port: number; readonly adminPort: number } | undefined;
  private ended: Promise<Exit> | undefined;
  private readonly clients: S3Client[] = [];
  private out = '';
  private err = '';

  constructor(
    /** Holds the data folder and the configuration file. */
    readonly folder: string,
    /** Undefined with an embedded database. */
    readonly databaseUrl: string | undefined,
    private readonly options: VaultaireOptions,
    private readonly dropDatabase: () => Promise<void>,
  ) {}

  get dataDir(): string {
    return join(this.folder, 'data');
  }

  get s3Endpoint(): string {
    return `http://127.0.0.1:${this.started.s3Port}`;
  }

  get adminEndpoint(): string {
    return `http://127.0.0.1:${this.started.adminPort}`;
  }

  get pid(): number {
    if (this.child?.pid === undefined) throw new Error('the gateway is not running');
    return this.child.pid;
  }

  /** All that was written to standard output since the first start. */
  get output(): string {
    return this.out;
  }

  /** All that was written to standard error: the log. */
  get log(): string {
    return this.err;
  }

  /** A client with the root key, or other settings. Freed by {@link stop}. */
  s3Client(config: S3ClientConfig = {}): S3Client {
    const client = new S3Client({
      endpoint: this.s3Endpoint,
      region: this.region,
      forcePathStyle: true,
      credentials: { accessKeyId: this.accessKeyId, secretAccessKey: this.secretAccessKey },
      maxAttempts: 1,
      ...config,
    });
    this.clients.push(client);
    return client;
  }

  /** Starts it, also again after {@link terminate} or {@link kill9}, on new ports. Rejects with its log when it ends instead. */
  async start(): Promise<void> {
    const seen = this.err.length;
    const shown = this.out.length;
    // A process group of its own, so that a kill reaches every worker.
    const command = this.options.isStartedByNpm === true ? NPM_START : [process.execPath, MAIN];
    const child = spawn(command[0] ?? '', command.slice(1), {
      cwd: PROJECT,
      env: this.environment(),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    liveGroups.add(child);
    const listening = Promise.withResolvers<undefined>();
    // Two pipes: what was written first need not be read first.
    const look = (): void => {
      const line = /^\{.*"s3Port":(\d+),"adminPort":(\d+).*"msg":"listening"\}$/m.exec(this.err.slice(seen));
      if (line === null || !this.out.includes('Vaultaire is ready.', shown)) return;
      this.ports = { s3Port: Number(line[1]), adminPort: Number(line[2]) };
      listening.resolve(undefined);
    };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.out += text;
      look();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.err += text;
      look();
    });
    this.ended = once(child, 'close').then(() => {
      liveGroups.delete(child);
      return { code: child.exitCode, signal: child.signalCode };
    });
    const failed = this.ended.then(({ code, signal }) => {
      throw new Error(`Vaultaire ended with ${String(code ?? signal)}: ${this.err.slice(seen)}`);
    });
    failed.catch(() => undefined);
    await Promise.race([listening.promise, failed]);
  }

  /** Resolves when the log since the first start matches. */
  async untilLog(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.err)) await once(this.child?.stderr ?? raise('the gateway was not started'), 'data');
  }

  /** Sends a signal to the first process alone and resolves when it has ended. */
  async terminate(signal: NodeJS.Signals = 'SIGTERM'): Promise<Exit> {
    if (this.child === undefined || this.ended === undefined) throw new Error('the gateway was not started');
    this.child.kill(signal);
    return this.ended;
  }

  /** Kills every process of the gateway at once. An embedded database goes on, as after a crash. */
  async kill9(): Promise<void> {
    const ended = this.ended;
    process.kill(-this.pid, 'SIGKILL');
    await ended;
  }

  /** Resolves when the gateway ended by itself. */
  async end(): Promise<Exit> {
    if (this.ended === undefined) throw new Error('the gateway was not started');
    return this.ended;
  }

  /** Drains the gateway, if it still runs, and removes its folder and database. */
  async stop(): Promise<void> {
    for (const client of this.clients) client.destroy();
    if (this.child !== undefined && liveGroups.has(this.child)) {
      const { code } = await this.terminate();
      if (code !== 0) throw new Error(`Vaultaire did not end in order: ${this.err}`);
    }
    await this.dropDatabase();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private get started(): { readonly s3Port: number; readonly adminPort: number } {
    if (this.ports === undefined) throw new Error('the gateway is not listening');
    return this.ports;
  }

  private environment(): NodeJS.ProcessEnv {
    const { config, workers = 1, env = {} } = this.options;
    const configPath = join(this.folder, 'vaultaire.yaml');
    if (config !== undefined) writeFileSync(configPath, stringify(config));
    return {
      PATH: process.env.PATH,
      VAULTAIRE_S3_PORT: '0',
      VAULTAIRE_ADMIN_PORT: '0',
      VAULTAIRE_DATA_DIR: this.dataDir,
      VAULTAIRE_WORKERS: String(workers),
      VAULTAIRE_ROOT_ACCESS_KEY: ROOT_ACCESS_KEY,
      VAULTAIRE_ROOT_SECRET_KEY: ROOT_SECRET_KEY,
      VAULTAIRE_ADMIN_TOKEN: ADMIN_TOKEN,
      DATABASE_URL: this.databaseUrl,
      VAULTAIRE_CONFIG: config === undefined ? undefined : configPath,
      ...env,
    };
  }
}

function raise(message: string): never {
  throw new Error(message);
}

const liveGroups = new Set<ChildProcess>();
// A spec that was cut off leaves no server behind.
process.once('exit', () => {
  for (const { pid } of liveGroups) if (pid !== undefined) process.kill(-pid, 'SIGKILL');
});

/** Prepares a gateway without starting it. */
export async function prepareVaultaire(options: VaultaireOptions = {}): Promise<RunningVaultaire> {
  const database = options.database === 'embedded' ? undefined : await createTestDatabase();
  const folder = mkdtempSync(join(tmpdir(), 'vaultaire-'));
  chmodSync(folder, 0o711);
  return new RunningVaultaire(folder, database?.url, options, () => database?.drop() ?? Promise.resolve());
}

/** Starts the gateway that `npm run build` left in `dist`, and resolves when it serves. */
export async function startVaultaire(options: VaultaireOptions = {}): Promise<RunningVaultaire> {
  const vaultaire = await prepareVaultaire(options);
  try {
    await vaultaire.start();
    return vaultaire;
  } catch (error) {
    await vaultaire.stop();
    throw error;
  }
}
