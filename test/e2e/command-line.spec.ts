import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Exit } from '../support/command-line';
import { vaultaire as program } from '../support/command-line';
import type { RunningVaultaire } from '../support/start-vaultaire';
import { startVaultaire } from '../support/start-vaultaire';

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
});
