import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Environment } from './environment';
import { StartUpError } from './start-up.error';

describe('Environment', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'environment-'))));
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const load = (variables: Record<string, string> = {}) =>
    Environment.load({ VAULTAIRE_DATA_DIR: join(folder, 'data'), ...variables });
  const problemsOf = (variables: Record<string, string>) => {
    try {
      load(variables);
    } catch (error) {
      if (error instanceof StartUpError) return error.message.split('\n');
      throw error;
    }
    return [];
  };

  it('has a default for every variable', () => {
    const environment = load();
    expect(environment).toMatchObject({
      host: '127.0.0.1',
      s3Port: 8080,
      adminPort: 8081,
      databaseUrl: undefined,
      rootAccessKey: undefined,
      region: 'us-east-1',
      s3Domains: [],
      configPath: undefined,
      lifecycleDaySeconds: 86_400,
      logLevel: 'info',
    });
    expect(environment.workers).toBeGreaterThan(0);
    expect(environment.masterKey).toHaveLength(32);
  });

  it('takes a variable that is set to nothing for absent', () => {
    expect(load({ DATABASE_URL: '', VAULTAIRE_S3_PORT: '', VAULTAIRE_ROOT_SECRET_KEY: '' })).toMatchObject({
      databaseUrl: undefined,
      s3Port: 8080,
      rootSecretKey: undefined,
    });
  });

  it('names every bad variable at once, and no secret value', () => {
    const problems = problemsOf({
      VAULTAIRE_S3_PORT: '80a',
      VAULTAIRE_ADMIN_PORT: '65536',
      VAULTAIRE_WORKERS: '0',
      DATABASE_URL: 'mysql://root:opensesame@db/x',
      VAULTAIRE_ROOT_ACCESS_KEY: 'a b',
      VAULTAIRE_ROOT_SECRET_KEY: 'opensésame',
      VAULTAIRE_MASTER_KEY: 'opensesame',
      VAULTAIRE_S3_DOMAIN: 'ok.example.com,not ok',
      VAULTAIRE_LOG_LEVEL: 'loud',
      VAULTAIRE_LIFECYCLE_DAY_SECONDS: '-1',
    });
    expect(problems.map((problem) => problem.split(' ')[0]).sort()).toEqual([
      'DATABASE_URL',
      'VAULTAIRE_ADMIN_PORT',
      'VAULTAIRE_LIFECYCLE_DAY_SECONDS',
      'VAULTAIRE_LOG_LEVEL',
      'VAULTAIRE_MASTER_KEY',
      'VAULTAIRE_ROOT_ACCESS_KEY',
      'VAULTAIRE_ROOT_SECRET_KEY',
      'VAULTAIRE_S3_DOMAIN',
      'VAULTAIRE_S3_PORT',
      'VAULTAIRE_WORKERS',
    ]);
    expect(problems.join('\n')).not.toMatch(/opens/);
  });

  it('refuses one half of the root credentials, and one port for both planes', () => {
    expect(problemsOf({ VAULTAIRE_ROOT_ACCESS_KEY: 'root', VAULTAIRE_ADMIN_PORT: '8080' })).toEqual([
      'VAULTAIRE_ROOT_ACCESS_KEY and VAULTAIRE_ROOT_SECRET_KEY must be given together',
      'VAULTAIRE_S3_PORT and VAULTAIRE_ADMIN_PORT must differ',
    ]);
  });

  it('splits the virtual-host domains and puts them in lower case', () => {
    expect(load({ VAULTAIRE_S3_DOMAIN: 'S3.example.com, localhost' }).s3Domains).toEqual([
      's3.example.com',
      'localhost',
    ]);
  });

  it('accepts a database URL that points at a socket folder', () => {
    const databaseUrl = 'postgresql://user@/name?host=/run/postgresql';
    expect(load({ DATABASE_URL: databaseUrl }).databaseUrl).toBe(databaseUrl);
  });

  it('generates the master key once, readable by its owner only', () => {
    const first = load().masterKey;
    expect(load().masterKey.equals(first)).toBe(true);
    const path = join(folder, 'data', 'master.key');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, 'utf8').trim()).toBe(first.toString('hex'));
  });

  it('prefers the given master key', () => {
    load();
    expect(load({ VAULTAIRE_MASTER_KEY: 'ab'.repeat(32) }).masterKey.toString('hex')).toBe('ab'.repeat(32));
  });

  it('refuses a key file that holds something else, without showing it', () => {
    load();
    writeFileSync(join(folder, 'data', 'master.key'), 'opensesame');
    expect(problemsOf({})).toEqual([`The file ${join(folder, 'data', 'master.key')} must hold 64 hexadecimal digits`]);
  });

  it('says in one line when the data folder can not be made', () => {
    writeFileSync(join(folder, 'file'), '');
    expect(problemsOf({ VAULTAIRE_DATA_DIR: join(folder, 'file', 'data') })).toEqual([
      expect.stringMatching(/^The data folder .* is not writable \(ENOTDIR\)/),
    ]);
  });
});
