import { cp, rm } from 'node:fs/promises';
import { digestsOf, TemporaryFolder, writeRandomFile, writeTree } from './support/folders';
import { describeClient, isInstalled, runProgram, tryProgram } from './support/programs';
import { startServer } from './support/server';
import type { ClientServer } from './support/server';

describeClient('restic', isInstalled('restic'), () => {
  let server: ClientServer;
  let folder: TemporaryFolder;
  let env: Record<string, string>;

  const restic = (...args: readonly string[]): Promise<string> => runProgram('restic', args, { env });

  beforeAll(async () => {
    server = await startServer();
    folder = await TemporaryFolder.create();
    env = {
      HOME: folder.path,
      RESTIC_REPOSITORY: `s3:${server.url}/restic-bucket/repository`,
      RESTIC_PASSWORD: 'a password of the repository',
      RESTIC_CACHE_DIR: folder.file('cache'),
      AWS_ACCESS_KEY_ID: server.accessKey,
      AWS_SECRET_ACCESS_KEY: server.secretKey,
      AWS_DEFAULT_REGION: server.region,
    };
    await writeTree(folder.file('tree'));
    await restic('init');
  });

  afterAll(async () => {
    await server.stop();
    await folder.remove();
  });

  it('refuses to make a repository where there is one', async () => {
    const refused = await tryProgram('restic', ['init'], { env });
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('already');
  });

  it('backs a tree up, reads all of it back in a check, and restores the same bytes', async () => {
    await restic('backup', folder.file('tree'));
    await restic('check', '--read-data');
    await restic('restore', 'latest', '--target', folder.file('restored'));
    const restored = folder.file('restored', folder.file('tree'));
    expect(await digestsOf(restored)).toEqual(await digestsOf(folder.file('tree')));
  });

  it('restores an older snapshot, forgets one and prunes its data', async () => {
    const before = folder.file('before');
    await cp(folder.file('tree'), before, { recursive: true });
    await rm(folder.file('tree', 'parts'), { recursive: true });
    await writeRandomFile(folder.file('tree', 'changed.bin'), 3_000_000);
    await restic('backup', folder.file('tree'));
    const snapshots: { id: string }[] = JSON.parse(await restic('snapshots', '--json'));
    expect(snapshots).toHaveLength(2);

    await restic('restore', snapshots[0]?.id ?? '', '--target', folder.file('older'));
    expect(await digestsOf(folder.file('older', folder.file('tree')))).toEqual(await digestsOf(before));

    await restic('forget', '--prune', snapshots[0]?.id ?? '');
    await restic('check', '--read-data');
    await restic('restore', 'latest', '--target', folder.file('newer'));
    expect(await digestsOf(folder.file('newer', folder.file('tree')))).toEqual(await digestsOf(folder.file('tree')));
  });
});
