import { PutObjectCommand } from '@aws-sdk/client-s3';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Exit } from '../support/command-line';
import { vaultaire as program } from '../support/command-line';
import type { RunningVaultaire } from '../support/start-vaultaire';
import { startVaultaire } from '../support/start-vaultaire';
import { until } from '../support/until';

jest.setTimeout(120_000);

describe('the command line', () => {
  let server: RunningVaultaire;
  beforeAll(async () => {
    server = await startVaultaire({ workers: 2 });
  });
  afterAll(async () => {
    await server.stop();
  });

  const environment = (): Record<string, string> => ({
    VAULTAIRE_ADMIN_URL: server.adminEndpoint,
    VAULTAIRE_ADMIN_TOKEN: server.adminToken,
  });
  const run = (line: string): Promise<Exit> => program(line.split(' '), environment());
  /** The parsed answer of a command that has to succeed. */
  const ask = async (line: string): Promise<Record<string, string>> => {
    const { code, stdout, stderr } = await run(line);
    if (code !== 0) throw new Error(`${line} ended with ${code}: ${stderr}`);
    return JSON.parse(stdout);
  };

  it('shows the server', async () => {
    expect(await ask('server')).toMatchObject({
      region: 'us-east-1',
      workers: 2,
      endpoints: { s3: server.s3Endpoint },
    });
    const { stdout } = await run('server --output table');
    expect(stdout).toMatch(/^region +us-east-1$/m);
  });

  it('tells by its exit code what went wrong', async () => {
    const unknown = await program(['server', '--token', 'no-token-of-this-server'], environment());
    expect([unknown.code, unknown.stderr]).toEqual([4, expect.stringContaining('The token is not known')]);
    expect((await program(['server'], { VAULTAIRE_ADMIN_URL: server.adminEndpoint })).code).toBe(4);
    expect((await program(['server', '--url', server.s3Endpoint], environment())).code).not.toBe(0);
    expect((await program(['server', '--url', 'http://127.0.0.1:1'], environment())).code).toBe(3);
    expect((await run('tenant show nobody')).code).toBe(1);
    expect((await run('tenant sing')).code).toBe(2);
  });

  it('gives an operator who has lost the token another one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vaultaire-cli-'));
    const offline = { DATABASE_URL: server.databaseUrl ?? '', VAULTAIRE_DATA_DIR: folder };
    const args = ['token', 'create', 'recovered', '--role', 'operator', '--offline'];
    const { stdout } = await program(args, offline);
    const { token } = JSON.parse(stdout);
    expect((await program(['server', '--token', token], { VAULTAIRE_ADMIN_URL: server.adminEndpoint })).code).toBe(0);
    expect(await program(args, offline)).toMatchObject({
      code: 1,
      stderr: 'There is an active token named recovered\n',
    });
    rmSync(folder, { recursive: true });
  });

  describe('for a customer', () => {
    const client = (key: Record<string, string>) =>
      server.s3Client({
        credentials: { accessKeyId: key.accessKeyId ?? '', secretAccessKey: key.secretKey ?? '' },
      });
    const put = async (key: Record<string, string>, Key: string, bytes: number): Promise<unknown> =>
      client(key)
        .send(new PutObjectCommand({ Bucket: 'photos', Key, Body: Buffer.alloc(bytes) }))
        .then(
          () => 'stored',
          (error: unknown) => (error instanceof Error ? error.name : error),
        );
    let key: Record<string, string>;

    beforeAll(async () => {
      await ask('plan create starter --bytes 1MB --containers 2 --read 1000/2000');
      await ask('tenant create acme --plan starter');
      await ask('user create alice --tenant acme --email alice@acme.example');
      key = await ask('key create --tenant acme --user alice --description trial --expires 1h');
      await ask('container create photos --tenant acme --owner alice');
    });

    it('has shown what it created', async () => {
      expect(await ask('tenant show acme')).toMatchObject({ name: 'acme', plan: 'starter', state: 'active' });
      expect(await ask('user list --tenant acme')).toMatchObject({ items: [{ name: 'alice' }] });
      expect(await ask('key list --tenant acme --user alice')).toMatchObject({
        items: [{ accessKeyId: key.accessKeyId, state: 'active', description: 'trial' }],
      });
      expect(await ask('container list --tenant acme')).toMatchObject({ items: [{ name: 'photos', owner: 'alice' }] });
      expect((await run('tenant list --output table')).stdout).toMatch(/^acme +active +starter /m);
    });

    it('names every bad field', async () => {
      const { code, stderr } = await run('tenant create -- -bad-');
      expect([code, stderr]).toEqual([1, expect.stringMatching(/\n {2}name must be 1 to 63 of/)]);
    });

    it('bounds what the tenant may hold, and shows what it holds', async () => {
      expect(await put(key, 'a', 600_000)).toBe('stored');
      expect(await put(key, 'b', 600_000)).toBe('QuotaExceeded');
      const quota = await ask('quota set acme --bytes 2MB --bytes-soft 1.5MB');
      expect(quota).toMatchObject({
        effective: { bytes: { hard: 2e6, soft: 1.5e6 }, containers: 2 },
        overrides: { bytes: { hard: 2e6, soft: 1.5e6 } },
      });
      await until('the new quota holds', async () => (await put(key, 'b', 600_000)) === 'stored');
      expect(await ask('usage show acme')).toMatchObject({ bytes: 1_200_000, artifacts: 2, containers: 1 });
      expect(await ask('quota set acme --bytes inherit --bytes-soft inherit')).toMatchObject({ overrides: {} });
      expect((await run('quota show acme --output table')).stdout).toMatch(/^bytes\.hard +1000000 \(1 MB\) /m);
      expect(await ask('quota set acme --bytes none')).toMatchObject({ effective: { bytes: { hard: null } } });
    });

    it('bounds how fast the tenant may ask', async () => {
      expect(await ask('limit set acme --write 5/10 --key-in-flight 3')).toMatchObject({
        overrides: { tenant: { requests: { write: { perSecond: 5, burst: 10 } } }, accessKey: { requestsInFlight: 3 } },
      });
      expect(await ask('limit set acme --write inherit --key-in-flight inherit')).toMatchObject({ overrides: {} });
    });

    it('suspends and resumes the tenant', async () => {
      await ask('tenant suspend acme');
      await until('the key is refused', async () => (await put(key, 'c', 1)) !== 'stored');
      await ask('tenant resume acme');
      await until('the key works', async () => (await put(key, 'c', 1)) === 'stored');
    });

    it('rotates, narrows and revokes keys', async () => {
      const next = await ask(`key rotate ${key.accessKeyId} --tenant acme --overlap 1h`);
      expect(await put(next, 'd', 1)).toBe('stored');
      await ask(`key update ${next.accessKeyId} --tenant acme --operations read,list --networks 127.0.0.0/8`);
      await until('writing is refused', async () => (await put(next, 'd', 1)) === 'AccessDenied');
      expect(await ask(`key update ${next.accessKeyId} --tenant acme --no-scope --never-expires`)).not.toHaveProperty(
        'scope',
      );
      await ask(`key revoke ${next.accessKeyId} --tenant acme`);
      await until('the key is refused', async () => (await put(next, 'd', 1)) !== 'stored');
      expect(await ask(`key show ${next.accessKeyId} --tenant acme`)).toMatchObject({ state: 'revoked' });
    });

    it('changes a plan for all that have it', async () => {
      expect(await ask('plan update starter --artifacts 1000 --read none')).toMatchObject({
        policy: {
          quota: { bytes: { hard: 1e6 }, containers: 2, artifacts: { hard: 1000 } },
          limits: { tenant: { requests: { read: null } } },
        },
      });
      expect((await run('plan delete starter')).code).toBe(1);
    });

    it('empties a container by a job, and closes the tenant by another', async () => {
      expect((await run('container delete photos --tenant acme')).code).toBe(1);
      const job = await ask('container empty photos --tenant acme --yes');
      expect(await ask(`job wait ${job.id} --timeout 1m`)).toMatchObject({ kind: 'container-empty', state: 'done' });
      expect(await ask('container show photos --tenant acme')).toMatchObject({ usage: { bytes: 0, artifacts: 0 } });
      expect((await run('tenant delete acme --yes')).code).toBe(1);
      expect(await ask('tenant delete acme --yes --force --wait')).toMatchObject({
        kind: 'tenant-close',
        state: 'done',
      });
      expect((await run('tenant show acme')).code).toBe(1);
      expect(await ask('job list --kind tenant-close')).toMatchObject({ items: [{ state: 'done' }] });
    });

    it('lists what it can', async () => {
      expect(await ask('driver list')).toMatchObject({ items: [{ name: 'local', health: { isHealthy: true } }] });
      expect(await ask('usage history default --from 1d --step hour')).toHaveProperty('items');
      expect(await ask('token list')).toMatchObject({
        items: expect.arrayContaining([expect.objectContaining({ role: 'operator' })]),
      });
    });
  });

  it('keeps a tenant administrator to the own tenant', async () => {
    await ask('tenant create mine');
    const { token = '' } = await ask('token create admin-of-mine --role tenant-admin --tenant mine --expires 1d');
    const as = (line: string): Promise<Exit> =>
      program(line.split(' '), { ...environment(), VAULTAIRE_ADMIN_TOKEN: token });
    expect((await as('tenant show mine')).code).toBe(0);
    expect((await as('tenant show default')).code).toBe(1);
    expect((await as('tenant list')).code).toBe(4);
    const piped = await program(
      ['tenant', 'show', 'mine', '--token-file', '-'],
      { VAULTAIRE_ADMIN_URL: server.adminEndpoint },
      token,
    );
    expect(piped.code).toBe(0);
    await ask('token revoke admin-of-mine');
    await until('the token is refused', async () => (await as('tenant show mine')).code === 4);
  });
});
