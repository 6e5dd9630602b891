import { mkdir, writeFile } from 'node:fs/promises';
import { vaultaire as program } from '../support/command-line';
import type { RunningVaultaire } from '../support/start-vaultaire';
import { startVaultaire } from '../support/start-vaultaire';
import { TemporaryFolder } from './support/folders';
import { describeClient, isInstalled, runProgram } from './support/programs';

jest.setTimeout(300_000);

/** What `vaultaire key create` prints is what the programs want. */
describe('the configuration that vaultaire key create prints', () => {
  let server: RunningVaultaire;
  let folder: TemporaryFolder;

  beforeAll(async () => {
    server = await startVaultaire();
    folder = await TemporaryFolder.create();
    await writeFile(folder.file('hello.txt'), 'hello');
  });

  afterAll(async () => {
    await server.stop();
    await folder.remove();
  });

  async function printed(...options: readonly string[]): Promise<string> {
    const args = ['key', 'create', '--tenant', 'default', '--user', 'root', ...options];
    const { code, stdout, stderr } = await program(args, {
      VAULTAIRE_ADMIN_URL: server.adminEndpoint,
      VAULTAIRE_ADMIN_TOKEN: server.adminToken,
    });
    if (code !== 0) throw new Error(stderr);
    return stdout;
  }

  describeClient('works with rclone', isInstalled('rclone'), () => {
    it('as a section of its configuration', async () => {
      await writeFile(folder.file('rclone.conf'), await printed('--rclone', '--profile', 'acme'));
      const options = { env: { HOME: folder.path, RCLONE_CONFIG: folder.file('rclone.conf') } };
      await runProgram('rclone', ['mkdir', 'acme:from-rclone'], options);
      await runProgram('rclone', ['copy', folder.file('hello.txt'), 'acme:from-rclone'], options);
      expect(await runProgram('rclone', ['cat', 'acme:from-rclone/hello.txt'], options)).toBe('hello');
    });
  });

  describeClient('works with aws-cli', isInstalled('aws'), () => {
    it.each(['acme', 'default'])('as the profile %s', async (profile) => {
      const [, credentials = '', config = ''] = (await printed('--aws', '--profile', profile)).split(/^# .*$/m);
      const home = folder.file(`home-${profile}`);
      await mkdir(`${home}/.aws`, { recursive: true });
      await writeFile(`${home}/.aws/credentials`, credentials);
      await writeFile(`${home}/.aws/config`, config);
      const aws = (...args: readonly string[]): Promise<string> =>
        runProgram('aws', ['--profile', profile, ...args], {
          env: {
            HOME: home,
            AWS_CONFIG_FILE: `${home}/.aws/config`,
            AWS_SHARED_CREDENTIALS_FILE: `${home}/.aws/credentials`,
            AWS_EC2_METADATA_DISABLED: 'true',
          },
        });
      await aws('s3', 'mb', `s3://from-${profile}`);
      await aws('s3', 'cp', folder.file('hello.txt'), `s3://from-${profile}/`);
      expect(await aws('s3', 'cp', `s3://from-${profile}/hello.txt`, '-')).toBe('hello');
      const url = (await aws('s3', 'presign', `s3://from-${profile}/hello.txt`)).trim();
      expect(await (await fetch(url)).text()).toBe('hello');
    });

    it('as commands of a shell', async () => {
      await writeFile(folder.file('exports.sh'), await printed('--env'));
      const script =
        '. ./exports.sh && aws s3 mb s3://from-env && aws s3 cp hello.txt s3://from-env/ && aws s3 ls s3://from-env/';
      const options = { env: { HOME: folder.path, AWS_SESSION_TOKEN: 'left-over' }, cwd: folder.path };
      expect(await runProgram('sh', ['-c', script], options)).toMatch(/ 5 hello\.txt$/m);
    });
  });
});
