import { vaultaire as program } from '../support/command-line';
import type { Exit } from '../support/command-line';
import { ask } from '../support/admin-requests';
import { s3BackendConfig } from '../support/s3-backends';
import { S3Simulator } from '../support/s3-simulator/s3-simulator';
import { SIMULATED_BACKENDS } from '../support/s3-simulator/simulator-quirks';
import type { RunningVaultaire } from '../support/start-vaultaire';
import { startVaultaire } from '../support/start-vaultaire';

jest.setTimeout(60_000);

describe('the probe of a driver', () => {
  let simulator: S3Simulator;
  let server: RunningVaultaire;

  beforeAll(async () => {
    simulator = await S3Simulator.start(SIMULATED_BACKENDS.quotaless);
    const { drivers } = s3BackendConfig({
      profile: 'minio',
      endpoint: simulator.endpoint,
      bucket: simulator.bucket,
      credentials: { accessKeyId: 'simulated', secretAccessKey: 'simulated-secret' },
    }) as { drivers: object[] };
    server = await startVaultaire({ config: { drivers: [...drivers, { name: 'memory', type: 'memory' }] } });
  });

  afterAll(async () => {
    await server.stop();
    await simulator.close();
  });

  const probe = (name: string, ...options: string[]): Promise<Exit> =>
    program(['driver', 'probe', name, ...options], {
      VAULTAIRE_ADMIN_URL: server.adminEndpoint,
      VAULTAIRE_ADMIN_TOKEN: server.adminToken,
    });

  it('tells what the backend lacks, which profile fits, and leaves nothing there', async () => {
    const before = simulator.leftovers();
    const { status, body } = await ask(server, 'POST', '/api/v1/drivers/remote/probe');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      driver: 'remote',
      endpoint: simulator.endpoint,
      isUsable: true,
      canCopy: false,
      bestProfile: 'quotaless',
      quirks: { hasMultipart: false, hasListV2: false, trustsETag: false, hasConditionalWrites: false },
    });
    expect(body.differences).toContainEqual({ field: 'hasMultipart', configured: true, seen: false });
    expect(body.steps).toContainEqual(expect.objectContaining({ name: 'range read', outcome: 'works' }));
    expect(JSON.stringify(body)).not.toContain('simulated-secret');
    expect(simulator.leftovers()).toEqual(before);
  });

  it('is a command', async () => {
    const { code, stdout } = await probe('remote', '--output', 'table');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^bestProfile +quotaless$/m);
    expect(stdout).toMatch(/^hasMultipart +yes +no$/m);
    expect(stdout).toMatch(/^multipart upload +fails /m);
  });

  it('fails as a command when the backend can not be used', async () => {
    simulator.failNext('PutObject', { do: 'answer', status: 403, code: 'AccessDenied' }, 1);
    const { code, stdout, stderr } = await probe('remote');
    expect([code, stderr]).toEqual([1, expect.stringContaining('can not be used')]);
    expect(JSON.parse(stdout)).toMatchObject({ isUsable: false, steps: [{ name: 'write', outcome: 'fails' }] });
  });

  it('is refused to viewers, for drivers without quirks and for those that are not there', async () => {
    const created = await ask(server, 'POST', '/api/v1/tokens', { body: { name: 'onlooker', role: 'viewer' } });
    const { token } = created.body;
    expect((await ask(server, 'POST', '/api/v1/drivers/remote/probe', { token })).status).toBe(403);
    expect((await ask(server, 'POST', '/api/v1/drivers/none/probe')).status).toBe(404);
    const other = await ask(server, 'POST', '/api/v1/drivers/memory/probe');
    expect([other.status, other.body.detail]).toEqual([409, expect.stringContaining('of type memory')]);
  });
});
