import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../config/load-config';
import { StartUpError } from '../config/start-up.error';
import type { DriverConfig } from '../config/vaultaire-config';
import { createDriver, refuseSharedBackends, resilienceOf } from './create-driver';
import { OneDriveDriver } from './onedrive/onedrive.driver';
import { S3Driver } from './s3/s3.driver';

describe('drivers of the configuration file', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'drivers-'))));
  afterEach(() => {
    rmSync(folder, { recursive: true });
    delete process.env.VAULTAIRE_SPEC_SECRET;
  });

  const load = (...drivers: string[]): DriverConfig[] => {
    const configPath = join(folder, 'vaultaire.yaml');
    writeFileSync(configPath, `drivers:\n${drivers.map((driver) => `  - ${driver}\n`).join('')}`);
    return loadConfig({ configPath, dataDir: folder }).drivers;
  };
  const s3 = (fields: string, credentials = 'accessKeyId: AK, secretAccessKey: hush'): string =>
    `{name: far, type: s3, profile: minio, endpoint: 'http://127.0.0.1:9', bucket: blobs, ${fields} credentials: {${credentials}}}`;
  const messageOf = (action: () => unknown): string => {
    try {
      action();
    } catch (error) {
      if (error instanceof StartUpError) return error.message;
      throw error;
    }
    return '';
  };
  const createAll = (...drivers: string[]): unknown => load(...drivers).map((config) => createDriver(config));

  it('include S3 backends, with the layers of remote drivers', async () => {
    const [config] = load(s3('partBytes: 16777216, resilience: {maxReads: 7, breaker: {openMs: 5}},'));
    if (config === undefined) throw new Error('there is no driver');
    const driver = createDriver(config);
    expect(driver).toBeInstanceOf(S3Driver);
    expect(driver.name).toBe('far');
    expect(resilienceOf(config)).toMatchObject({
      concurrency: { maxReads: 7, maxWrites: 128 },
      breaker: { openMs: 5, minCalls: 5 },
    });
    await driver.close();
  });

  it('need no layers on this machine', () => {
    const [config] = load('{name: near, type: local, path: blobs}');
    expect(config && resilienceOf(config)).toBeUndefined();
  });

  it('take credentials from files and variables', async () => {
    writeFileSync(join(folder, 'id'), 'AK\n');
    process.env.VAULTAIRE_SPEC_SECRET = 'hush';
    const credentials = `accessKeyIdFile: '${join(folder, 'id')}', secretAccessKeyEnv: VAULTAIRE_SPEC_SECRET`;
    const drivers = load(s3('', credentials)).map((config) => createDriver(config));
    expect(drivers).toHaveLength(1);
    for (const driver of drivers) await driver.close();
  });

  it.each([
    ['accessKeyId: AK', 'exactly one of secretAccessKey, secretAccessKeyFile and secretAccessKeyEnv'],
    ['accessKeyId: AK, secretAccessKey: hush, secretAccessKeyEnv: A_B', 'exactly one of secretAccessKey'],
    ['accessKeyId: AK, secretAccessKeyEnv: VAULTAIRE_SPEC_SECRET', 'VAULTAIRE_SPEC_SECRET is not set'],
    ['accessKeyIdFile: /nonexistent/id, secretAccessKey: hush', "/nonexistent/id can't be read"],
  ])('refuse credentials {%s} without telling them', (credentials, reason) => {
    const message = messageOf(() => createAll(s3('', credentials)));
    expect(message).toContain('drivers: far: credentials.');
    expect(message).toContain(reason);
    expect(message).not.toContain('hush');
  });

  it('name fields that the profile leaves open', () => {
    const message = messageOf(() =>
      createAll(
        '{name: far, type: s3, profile: aws, bucket: blobs, credentials: {accessKeyId: a, secretAccessKey: b}}',
      ),
    );
    expect(message).toBe('drivers: far: region must be given: the profile aws has none of its own');
  });

  it('name bad fields with their path', () => {
    const message = messageOf(() =>
      load(s3('profile: tape, partBytes: 1, resilience: {maxReads: 0}, colour: red,').replace('profile: minio, ', '')),
    );
    for (const path of ['profile', 'partBytes', 'resilience.maxReads', 'colour'])
      expect(message).toContain(`drivers[0].${path}`);
  });

  it('may not share a place on a backend', () => {
    const other = s3('keyPrefix: a/,').replace('far', 'other');
    expect(
      messageOf(() => {
        refuseSharedBackends(load(s3(''), other));
      }),
    ).toBe('drivers: far and other use the same endpoint, bucket and prefix');
    refuseSharedBackends(load(s3('keyPrefix: b/,'), other));
  });

  describe('of type onedrive', () => {
    const account = (fields: string, secret = 'clientSecret: hush'): string =>
      `{name: one, directory: example.com, clientId: app, ${secret}, ${fields}}`;
    const fleet = (...accounts: string[]): string =>
      `{name: cold, type: onedrive, accounts: [${accounts.join(', ')}], resilience: {maxWrites: 3}}`;

    it('are fleets of accounts, with the layers of remote drivers', async () => {
      const [config] = load(fleet(account('driveId: b!x'), account('user: u@example.com').replace('one', 'two')));
      if (config === undefined) throw new Error('there is no driver');
      const driver = createDriver(config);
      expect(driver).toBeInstanceOf(OneDriveDriver);
      expect(resilienceOf(config)).toMatchObject({ concurrency: { maxWrites: 3 } });
      await driver.close();
    });

    it.each([
      [account(''), 'drivers: cold: account one: exactly one of driveId and user must be given'],
      [account('driveId: a, user: b'), 'drivers: cold: account one: exactly one of driveId and user must be given'],
      [account('driveId: a', 'clientSecretEnv: VAULTAIRE_SPEC_SECRET'), 'VAULTAIRE_SPEC_SECRET is not set'],
      [account('driveId: a', 'clientSecret: hush, clientSecretFile: /x'), 'exactly one of clientSecret'],
    ])('refuse the account %s without telling its secret', (given, reason) => {
      const message = messageOf(() => createAll(fleet(given)));
      expect(message).toContain(reason);
      expect(message).not.toContain('hush');
    });

    it.each([
      [fleet(), 'drivers[0].accounts'],
      [fleet(account('driveId: a'), account('driveId: b')), 'drivers[0].accounts must have different names'],
      [
        fleet(account('driveId: a')).replace('type: onedrive', 'type: onedrive, fragmentBytes: 400000'),
        'fragmentBytes',
      ],
      [fleet(account('driveId: a')).replace('type: onedrive', 'type: onedrive, folder: a/b'), 'folder'],
    ])('name what is wrong in %s', (given, field) => {
      expect(messageOf(() => load(given))).toContain(field);
    });

    it('may not use a drive twice', () => {
      const twice = fleet(account('driveId: a'), account('driveId: A').replace('one', 'two'));
      expect(
        messageOf(() => {
          refuseSharedBackends(load(twice));
        }),
      ).toBe('drivers: cold and cold: two accounts use the same drive and folder');
    });
  });
});
