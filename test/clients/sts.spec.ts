import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TemporaryFolder } from './support/folders';
import { describeClient, hasPythonModule, isInstalled, runProgram, tryProgram } from './support/programs';
import { startServer } from './support/server';
import type { ClientServer } from './support/server';

let server: ClientServer;
let folder: TemporaryFolder;

beforeAll(async () => {
  server = await startServer();
  folder = await TemporaryFolder.create();
});

afterAll(async () => {
  await server.stop();
  await folder.remove();
});

function environment(): Record<string, string> {
  return {
    HOME: folder.path,
    AWS_ENDPOINT_URL: server.url,
    AWS_ACCESS_KEY_ID: server.accessKey,
    AWS_SECRET_ACCESS_KEY: server.secretKey,
    AWS_DEFAULT_REGION: server.region,
    AWS_CONFIG_FILE: folder.file('config'),
    AWS_SHARED_CREDENTIALS_FILE: folder.file('credentials'),
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_PAGER: '',
  };
}

describeClient('temporary credentials with boto3', hasPythonModule('boto3'), () => {
  it('are issued, used, restricted and refused', async () => {
    await runProgram('python3', ['-B', join(__dirname, 'boto3_sts.py')], { env: environment() });
  });
});

interface Answered {
  readonly Account?: string;
  readonly Arn?: string;
  readonly Credentials?: {
    readonly AccessKeyId: string;
    readonly SecretAccessKey: string;
    readonly SessionToken: string;
  };
}

describeClient('temporary credentials with aws-cli', isInstalled('aws'), () => {
  const aws = (env: Record<string, string>, ...args: readonly string[]): Promise<string> =>
    runProgram('aws', args, { env });
  const sts = async (env: Record<string, string>, ...args: readonly string[]): Promise<Answered> =>
    JSON.parse(await aws(env, 'sts', ...args)) as Answered;
  const withKeys = ({ Credentials }: Answered): Record<string, string> => ({
    ...environment(),
    AWS_ACCESS_KEY_ID: Credentials?.AccessKeyId ?? '',
    AWS_SECRET_ACCESS_KEY: Credentials?.SecretAccessKey ?? '',
    AWS_SESSION_TOKEN: Credentials?.SessionToken ?? '',
  });

  it('are issued by --endpoint-url, and copy files', async () => {
    const { AWS_ENDPOINT_URL: endpoint = '', ...env } = environment();
    const session = withKeys(await sts(env, 'get-session-token', '--endpoint-url', endpoint));
    await writeFile(folder.file('file'), 'some bytes');
    await aws(session, 's3', 'mb', 's3://aws-cli-sts');
    await aws(session, 's3', 'cp', folder.file('file'), 's3://aws-cli-sts/in/file');
    expect(await aws(session, 's3', 'cp', 's3://aws-cli-sts/in/file', '-')).toBe('some bytes');
  });

  it('are a profile’s, which assumes its role by itself', async () => {
    const { Account = '' } = await sts(environment(), 'get-caller-identity');
    await writeFile(
      folder.file('config'),
      `[profile worker]\nrole_arn = arn:aws:iam::${Account}:role/worker\ncredential_source = Environment\n`,
    );
    const { Arn } = await sts(environment(), 'get-caller-identity', '--profile', 'worker');
    expect(Arn).toContain(`arn:aws:sts::${Account}:assumed-role/worker/`);
    expect(await aws(environment(), 's3', 'ls', '--profile', 'worker')).toContain('aws-cli-sts');
  });

  it('are held to their policy', async () => {
    const { Account = '' } = await sts(environment(), 'get-caller-identity');
    const policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: { Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::aws-cli-sts/in/*' },
    });
    const role = ['--role-arn', `arn:aws:iam::${Account}:role/reader`, '--role-session-name', 'cli'];
    const reader = withKeys(await sts(environment(), 'assume-role', ...role, '--policy', policy));
    const get = ['s3api', 'get-object', '--bucket', 'aws-cli-sts', '--key', 'in/file', folder.file('got')];
    await aws(reader, ...get);
    const put = await tryProgram('aws', ['s3', 'cp', folder.file('file'), 's3://aws-cli-sts/in/other'], {
      env: reader,
    });
    expect(put.stderr).toContain('AccessDenied');
  });
});
