import { randomBytes } from 'node:crypto';
import { accessSync, constants, mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import type { ClientEnvironment } from './client-environment';
import { clientEnvironment } from './client-environment';
import { EnvironmentReader } from './environment-reader';
import type { TracingSettings } from './tracing-settings';
import { readTracingSettings } from './tracing-settings';
import { readOrCreateSecretFile } from './secret-file';
import { reasonOf, StartUpError } from './start-up.error';

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const MASTER_KEY = /^[0-9a-f]{64}$/i;
const HOST = /^[A-Za-z0-9._:-]{1,253}$/;
const DOMAIN = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;
/** As AWS: upper and lower case letters, digits and underscore; other servers allow dots and dashes too. */
const ACCESS_KEY = /^[A-Za-z0-9_.-]{3,128}$/;
const SECRET_KEY = /^[\x21-\x7e]{8,128}$/;
const ADMIN_TOKEN = /^[\x21-\x7e]{16,256}$/;

/** What the environment variables say, validated. Only this class reads `process.env`. */
export class Environment {
  /** Address that both planes listen on. */
  readonly host: string;
  /** 0: any free port. */
  readonly s3Port: number;
  /** 0: any free port. */
  readonly adminPort: number;
  /** Absolute path. */
  readonly dataDir: string;
  /** Undefined: the embedded PostgreSQL in the data folder. */
  readonly databaseUrl: string | undefined;
  /** Given together with `rootSecretKey`, or not at all. */
  readonly rootAccessKey: string | undefined;
  readonly rootSecretKey: string | undefined;
  readonly adminToken: string | undefined;
  /** 32 bytes, the key under which secrets are encrypted at rest. */
  readonly masterKey: Buffer;
  readonly region: string;
  /** Host names, in lower case and without ports, below which buckets are addressed as `<bucket>.<domain>`. */
  readonly s3Domains: readonly string[];
  /** Processes that serve requests. */
  readonly workers: number;
  /** Absolute path of the YAML file; undefined: defaults. */
  readonly configPath: string | undefined;
  /** Redis by which machines share rate limits; undefined: each machine has its own. */
  readonly redisUrl: string | undefined;
  /** Length of a lifecycle day in seconds. */
  readonly lifecycleDaySeconds: number;
  readonly logLevel: LogLevel;
  /** Undefined: requests are not traced. */
  readonly tracing: TracingSettings | undefined;

  /**
   * Reads and validates everything, makes the data folder, and makes the master key at first start.
   *
   * @throws StartUpError with one line for every bad variable, or for a folder that can't be used
   */
  static load(variables: NodeJS.ProcessEnv = process.env): Environment {
    return new Environment(new EnvironmentReader(variables));
  }

  /** The same with another database, for the time that the embedded one runs. */
  withDatabaseUrl(databaseUrl: string): Environment {
    return Object.assign(Object.create(Environment.prototype) as Environment, this, { databaseUrl });
  }

  private constructor(read: EnvironmentReader) {
    this.host = read.text('VAULTAIRE_HOST', HOST, 'a host name or an IP address') ?? '127.0.0.1';
    this.s3Port = read.integer('VAULTAIRE_S3_PORT', 0, 65_535) ?? 8080;
    this.adminPort = read.integer('VAULTAIRE_ADMIN_PORT', 0, 65_535) ?? 8081;
    this.dataDir = resolve(read.text('VAULTAIRE_DATA_DIR') ?? 'data');
    this.databaseUrl = read.url('DATABASE_URL', ['postgres:', 'postgresql:']);
    this.rootAccessKey = read.secret(
      'VAULTAIRE_ROOT_ACCESS_KEY',
      ACCESS_KEY,
      '3 to 128 letters, digits, or any of _.-',
    );
    this.rootSecretKey = read.secret('VAULTAIRE_ROOT_SECRET_KEY', SECRET_KEY, '8 to 128 printable ASCII characters');
    this.adminToken = read.secret('VAULTAIRE_ADMIN_TOKEN', ADMIN_TOKEN, '16 to 256 printable ASCII characters');
    const masterKey = read.secret('VAULTAIRE_MASTER_KEY', MASTER_KEY, '64 hexadecimal digits');
    this.region =
      read.text('VAULTAIRE_REGION', /^[a-z0-9-]{1,64}$/, 'lower-case letters, digits and dashes') ?? 'us-east-1';
    this.s3Domains = read.list('VAULTAIRE_S3_DOMAIN', DOMAIN, 'host names without ports, separated by commas');
    this.workers = read.integer('VAULTAIRE_WORKERS', 1, 256) ?? availableParallelism();
    const configPath = read.text('VAULTAIRE_CONFIG');
    this.configPath = configPath === undefined ? undefined : resolve(configPath);
    this.redisUrl = read.url('REDIS_URL', ['redis:', 'rediss:']);
    this.lifecycleDaySeconds = read.integer('VAULTAIRE_LIFECYCLE_DAY_SECONDS', 1, 86_400) ?? 86_400;
    this.logLevel = read.oneOf('VAULTAIRE_LOG_LEVEL', LOG_LEVELS) ?? 'info';
    this.tracing = readTracingSettings(read);

    if ((this.rootAccessKey === undefined) !== (this.rootSecretKey === undefined)) {
      read.refuse('VAULTAIRE_ROOT_ACCESS_KEY and VAULTAIRE_ROOT_SECRET_KEY must be given together');
    }
    if (this.s3Port !== 0 && this.s3Port === this.adminPort) {
      read.refuse('VAULTAIRE_S3_PORT and VAULTAIRE_ADMIN_PORT must differ');
    }
    read.finish();

    makeDataFolder(this.dataDir);
    this.masterKey = masterKeyOf(masterKey, join(this.dataDir, 'master.key'));
  }
}

/** The value of a variable that the configuration names; undefined when it is not set or empty. */
export function namedVariable(name: string): string | undefined {
  return process.env[name] || undefined;
}

/** The variables of this process for one that it starts, with the database that this one uses. */
export function childVariables(databaseUrl: string): NodeJS.ProcessEnv {
  return { ...process.env, DATABASE_URL: databaseUrl };
}

/** What the variables of this process say to the command line. */
export function loadClientEnvironment(): ClientEnvironment {
  return clientEnvironment(process.env);
}

function makeDataFolder(folder: string): void {
  try {
    // Other users may pass, not look: as root, the embedded PostgreSQL runs under another account.
    mkdirSync(folder, { recursive: true, mode: 0o711 });
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new StartUpError(
      `The data folder ${folder} is not writable (${reasonOf(error)}): set VAULTAIRE_DATA_DIR to a folder that is`,
      { cause: error },
    );
  }
}

function masterKeyOf(given: string | undefined, path: string): Buffer {
  const hex = given ?? readOrCreateSecretFile(path, () => randomBytes(32).toString('hex'));
  if (!MASTER_KEY.test(hex)) throw new StartUpError(`The file ${path} must hold 64 hexadecimal digits`);
  return Buffer.from(hex, 'hex');
}
