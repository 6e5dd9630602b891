import { rm } from 'node:fs/promises';
import { digestOf, digestsOf, TemporaryFolder, writeRandomFile, writeTree } from './support/folders';
import { describeClient, isInstalled, runProgram } from './support/programs';
import { startServer } from './support/server';
import type { ClientServer } from './support/server';

describeClient('rclone', isInstalled('rclone'), () => {
  let server: ClientServer;
  let folder: TemporaryFolder;

  const rclone = (...args: readonly string[]): Promise<string> =>
    runProgram('rclone', args, {
      env: {
        HOME: folder.path,
        RCLONE_CONFIG: folder.file('rclone.conf'),
        RCLONE_CONFIG_V_TYPE: 's3',
        RCLONE_CONFIG_V_PROVIDER: 'Other',
        RCLONE_CONFIG_V_ENDPOINT: server.url,
        RCLONE_CONFIG_V_REGION: server.region,
        RCLONE_CONFIG_V_ACCESS_KEY_ID: server.accessKey,
        RCLONE_CONFIG_V_SECRET_ACCESS_KEY: server.secretKey,
        RCLONE_S3_UPLOAD_CUTOFF: '5M',
        RCLONE_S3_CHUNK_SIZE: '5M',
        RCLONE_S3_COPY_CUTOFF: '6M',
        RCLONE_RETRIES: '1',
        RCLONE_LOW_LEVEL_RETRIES: '1',
      },
    });

  beforeAll(async () => {
    server = await startServer();
    folder = await TemporaryFolder.create();
    await writeRandomFile(folder.file('rclone.conf'), 0);
    await writeTree(folder.file('tree'));
    await rclone('mkdir', 'v:rclone-bucket');
  });

  afterAll(async () => {
    await server.stop();
    await folder.remove();
  });

  it('makes a bucket that is then listed', async () => {
    expect(await rclone('lsf', 'v:')).toContain('rclone-bucket/');
  });

  it('syncs a tree in, in parts where files are large, and checks every byte', async () => {
    await rclone('sync', folder.file('tree'), 'v:rclone-bucket/tree');
    await rclone('check', folder.file('tree'), 'v:rclone-bucket/tree');
    await rclone('check', '--download', folder.file('tree'), 'v:rclone-bucket/tree');
  });

  it('keeps modification times and has nothing to send the second time', async () => {
    const log = await rclone('sync', '--dry-run', '--stats-one-line', folder.file('tree'), 'v:rclone-bucket/tree');
    expect(log).toBe('');
    const json = JSON.parse(await rclone('size', '--json', 'v:rclone-bucket/tree'));
    expect(json.count).toBe(Object.keys(await digestsOf(folder.file('tree'))).length);
  });

  it('syncs the tree out again', async () => {
    await rclone('sync', 'v:rclone-bucket/tree', folder.file('out'));
    expect(await digestsOf(folder.file('out'))).toEqual(await digestsOf(folder.file('tree')));
  });

  it('removes on the server what was removed at the source', async () => {
    await rm(folder.file('out', 'parts'), { recursive: true });
    await rclone('sync', folder.file('out'), 'v:rclone-bucket/tree');
    const names = (await rclone('lsf', '-R', '--files-only', 'v:rclone-bucket/tree')).trim().split('\n').sort();
    expect(names).toEqual(Object.keys(await digestsOf(folder.file('out'))).sort());
  });

  it('copies within the server, in parts where the file is large', async () => {
    const source = folder.file('tree', 'parts/large.bin');
    await rclone('copyto', source, 'v:rclone-bucket/copies/source.bin');
    await rclone('copyto', 'v:rclone-bucket/copies/source.bin', 'v:rclone-bucket/copies/copy.bin');
    await rclone('moveto', 'v:rclone-bucket/copies/copy.bin', 'v:rclone-bucket/copies/moved.bin');
    await rclone('copyto', 'v:rclone-bucket/copies/moved.bin', folder.file('moved.bin'));
    expect(await digestOf(folder.file('moved.bin'))).toBe(await digestOf(source));
  });

  it('reads from the middle of a file', async () => {
    const part = await rclone('cat', '--offset', '1', '--count', '3', 'v:rclone-bucket/tree/small.txt');
    expect(part.length).toBeGreaterThan(0);
  });

  it('purges a bucket', async () => {
    await rclone('purge', 'v:rclone-bucket');
    expect(await rclone('lsf', 'v:')).not.toContain('rclone-bucket');
  });
});
