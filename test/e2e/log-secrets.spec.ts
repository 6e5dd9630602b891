import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { GetSessionTokenCommand, STSClient } from '@aws-sdk/client-sts';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { ask } from '../support/admin-requests';
import { PostgresProxy } from '../support/postgres-proxy';
import { prepareVaultaire, RunningVaultaire } from '../support/start-vaultaire';

const MASTER_KEY = 'a1'.repeat(32);

describe('the log at its lowest level', () => {
  /** What a log must not have, by what it is. */
  const secrets = new Map<string, string>();
  let vaultaire: RunningVaultaire;
  let proxy: PostgresProxy;

  beforeAll(async () => {
    const prepared = await prepareVaultaire();
    proxy = await PostgresProxy.start(prepared.databaseUrl ?? '');
    const env = { VAULTAIRE_LOG_LEVEL: 'trace', VAULTAIRE_MASTER_KEY: MASTER_KEY };
    vaultaire = new RunningVaultaire(prepared.folder, proxy.url, { env }, () => prepared.stop());
    await vaultaire.start();
    await useAndFail();
    await proxy.stop();
    await vaultaire.terminate();
  }, 60_000);

  afterAll(() => vaultaire.stop());

  async function useAndFail(): Promise<void> {
    const s3 = vaultaire.s3Client();
    const { password } = new URL(vaultaire.databaseUrl ?? '');
    secrets.set('database password', decodeURIComponent(password));
    secrets.set('secret key', vaultaire.secretAccessKey);
    secrets.set('admin token', vaultaire.adminToken).set('master key', MASTER_KEY);
    await s3.send(new CreateBucketCommand({ Bucket: 'logged' }));
    await s3.send(new PutObjectCommand({ Bucket: 'logged', Key: 'k', Body: Buffer.alloc(1_000_000) }));

    const sts = new STSClient({
      endpoint: vaultaire.s3Endpoint,
      region: vaultaire.region,
      credentials: { accessKeyId: vaultaire.accessKeyId, secretAccessKey: vaultaire.secretAccessKey },
    });
    const { Credentials } = await sts.send(new GetSessionTokenCommand({}));
    sts.destroy();
    const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = Credentials ?? {};
    secrets.set('temporary secret key', SecretAccessKey).set('session token', SessionToken);
    const session = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
    const presigned = await getSignedUrl(
      vaultaire.s3Client({ credentials: session }),
      new GetObjectCommand({ Bucket: 'logged', Key: 'k' }),
    );
    secrets.set('presigned signature', new URL(presigned).searchParams.get('X-Amz-Signature') ?? '');

    expect((await fetch(presigned)).status).toBe(200);
    expect((await fetch(`${presigned}0`)).status).toBe(403);
    await removeBlobs(join(vaultaire.dataDir));
    expect((await fetch(presigned)).status).toBe(500);

    const made = await ask(vaultaire, 'POST', '/api/v1/tokens', { body: { name: 'logged', role: 'operator' } });
    expect(made.status).toBe(201);
    secrets.set('token of the admin API', made.body.token);
    expect((await ask(vaultaire, 'GET', '/api/v1/tenants', { token: made.body.token })).status).toBe(200);
    expect((await ask(vaultaire, 'GET', '/api/v1/tenants', { token: `${made.body.token}x` })).status).toBe(401);

    proxy.takeAway();
    expect((await fetch(presigned)).status).toBe(503);
    expect((await ask(vaultaire, 'GET', '/api/v1/tenants', { token: made.body.token })).status).toBe(503);
  }

  it('tells of the failures, with the request and the tenant as fields', () => {
    const lines = vaultaire.log
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line));
    expect(lines).toContainEqual(
      expect.objectContaining({
        msg: expect.stringContaining('GetObject failed'),
        operation: 'GetObject',
        requestId: expect.stringMatching(/^[0-9A-F]{16}$/),
        tenant: expect.any(String),
        err: expect.objectContaining({ message: expect.any(String) }),
      }),
    );
  });

  it('has no secret, no signature and no token', () => {
    expect(secrets.size).toBe(8);
    const output = vaultaire.output + vaultaire.log;
    for (const [name, secret] of secrets) {
      expect(secret).not.toBe('');
      expect({ name, isLogged: output.includes(secret) || output.includes(encodeURIComponent(secret)) }).toEqual({
        name,
        isLogged: false,
      });
    }
    expect(output).not.toMatch(/AWS4-HMAC-SHA256|X-Amz-Signature=[0-9a-f]/);
  });
});

async function removeBlobs(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() && entry.parentPath.includes('tenant')) await rm(join(entry.parentPath, entry.name));
  }
}
