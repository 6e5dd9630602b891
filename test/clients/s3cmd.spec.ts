import { writeFile } from 'node:fs/promises';
import { digestOf, digestsOf, TemporaryFolder, writeTree } from './support/folders';
import { describeClient, isInstalled, runProgram, tryProgram } from './support/programs';
import { startServer } from './support/server';
import type { ClientServer } from './support/server';

describeClient('s3cmd', isInstalled('s3cmd'), () => {
  let server: ClientServer;
  let folder: TemporaryFolder;

  const s3cmd = (...args: readonly string[]): Promise<string> =>
    runProgram('s3cmd', ['-c', folder.file('s3cfg'), '--no-progress', ...args], { env: { HOME: folder.path } });

  beforeAll(async () => {
    server = await startServer();
    folder = await TemporaryFolder.create();
    const { host } = new URL(server.url);
    const settings = {
      access_key: server.accessKey,
      secret_key: server.secretKey,
      bucket_location: server.region,
      host_base: host,
      host_bucket: host,
      use_https: 'False',
      multipart_chunk_size_mb: '5',
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
    await writeFile(folder.file('s3cfg'), `[default]\n${lines.join('\n')}\n`);
    await writeTree(folder.file('tree'));
    await s3cmd('mb', 's3://s3cmd-bucket');
  });

  afterAll(async () => {
    await server.stop();
    await folder.remove();
  });

  it('makes a bucket that is then listed', async () => {
    expect(await s3cmd('ls')).toContain('s3://s3cmd-bucket');
    expect(await s3cmd('info', 's3://s3cmd-bucket')).toContain('Location:');
  });

  it('puts a file, lists it and gets it back', async () => {
    const source = folder.file('tree', 'emoji/😀.bin');
    await s3cmd('put', source, 's3://s3cmd-bucket/one/😀.bin');
    expect(await s3cmd('ls', 's3://s3cmd-bucket/one/')).toMatch(/ 5678 +s3:\/\/s3cmd-bucket\/one\/😀\.bin$/m);
    await s3cmd('get', 's3://s3cmd-bucket/one/😀.bin', folder.file('one.bin'));
    expect(await digestOf(folder.file('one.bin'))).toBe(await digestOf(source));
  });

  it('puts a large file in parts and gets it back', async () => {
    const source = folder.file('tree', 'parts/large.bin');
    await s3cmd('put', source, 's3://s3cmd-bucket/large.bin');
    await s3cmd('get', 's3://s3cmd-bucket/large.bin', folder.file('large.bin'));
    expect(await digestOf(folder.file('large.bin'))).toBe(await digestOf(source));
  });

  it('copies and moves within the server', async () => {
    const source = folder.file('tree', 'small.txt');
    await s3cmd('put', source, 's3://s3cmd-bucket/copies/source');
    await s3cmd('cp', 's3://s3cmd-bucket/copies/source', 's3://s3cmd-bucket/copies/copy');
    await s3cmd('mv', 's3://s3cmd-bucket/copies/copy', 's3://s3cmd-bucket/copies/moved');
    await s3cmd('get', 's3://s3cmd-bucket/copies/moved', folder.file('moved'));
    expect(await digestOf(folder.file('moved'))).toBe(await digestOf(source));
    expect(await s3cmd('ls', 's3://s3cmd-bucket/copies/')).not.toContain('copies/copy');
  });

  it('syncs a tree in and out', async () => {
    await s3cmd('sync', `${folder.file('tree')}/`, 's3://s3cmd-bucket/tree/');
    await s3cmd('sync', 's3://s3cmd-bucket/tree/', `${folder.file('out')}/`);
    expect(await digestsOf(folder.file('out'))).toEqual(await digestsOf(folder.file('tree')));
  });

  it('deletes objects, refuses to remove a bucket that is not empty, and removes it when it is', async () => {
    await s3cmd('mb', 's3://s3cmd-gone');
    await s3cmd('put', folder.file('tree', 'small.txt'), 's3://s3cmd-gone/a');
    const args = ['-c', folder.file('s3cfg'), 'rb', 's3://s3cmd-gone'];
    const refused = await tryProgram('s3cmd', args, { env: { HOME: folder.path } });
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('BucketNotEmpty');
    await s3cmd('del', '--recursive', '--force', 's3://s3cmd-gone');
    await s3cmd('rb', 's3://s3cmd-gone');
    expect(await s3cmd('ls')).not.toContain('s3cmd-gone');
  });
});
