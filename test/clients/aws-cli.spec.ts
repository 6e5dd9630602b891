import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { digestOf, digestsOf, TemporaryFolder, writeRandomFile, writeTree } from './support/folders';
import { multipartEtagOf } from './support/etags';
import { describeClient, isInstalled, runProgram, tryProgram } from './support/programs';
import { startServer } from './support/server';
import type { ClientServer } from './support/server';

const LARGE_BYTES = 200 * 1024 * 1024;

describeClient('aws-cli', isInstalled('aws'), () => {
  let server: ClientServer;
  let folder: TemporaryFolder;
  let env: Record<string, string>;

  const aws = (...args: readonly string[]): Promise<string> => runProgram('aws', args, { env });
  const awsJson = async (...args: readonly string[]): Promise<unknown> => JSON.parse(await aws(...args));

  beforeAll(async () => {
    server = await startServer();
    folder = await TemporaryFolder.create();
    await mkdir(folder.file('home'));
    // Version 1 of aws-cli presigns with signature version 2 in us-east-1 unless it is told.
    await writeFile(folder.file('home', 'config'), '[default]\ns3 =\n  signature_version = s3v4\n');
    env = {
      HOME: folder.file('home'),
      AWS_ACCESS_KEY_ID: server.accessKey,
      AWS_SECRET_ACCESS_KEY: server.secretKey,
      AWS_DEFAULT_REGION: server.region,
      AWS_ENDPOINT_URL: server.url,
      AWS_CONFIG_FILE: folder.file('home', 'config'),
      AWS_SHARED_CREDENTIALS_FILE: folder.file('home', 'credentials'),
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_PAGER: '',
    };
    await writeTree(folder.file('tree'));
    await aws('s3', 'mb', 's3://aws-cli');
  });

  afterAll(async () => {
    await server.stop();
    await folder.remove();
  });

  it('makes a bucket that is then listed', async () => {
    expect(await aws('s3', 'ls')).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d aws-cli$/m);
  });

  it('copies a file in, lists it with its size, and copies it out again', async () => {
    const source = folder.file('tree', 'deep/er/and/deeper/file.bin');
    await aws('s3', 'cp', source, 's3://aws-cli/one/file.bin');
    expect(await aws('s3', 'ls', 's3://aws-cli/one/')).toMatch(/ 70000 file\.bin$/m);
    expect(await aws('s3', 'ls', 's3://aws-cli/')).toMatch(/PRE one\/$/m);
    await aws('s3', 'cp', 's3://aws-cli/one/file.bin', folder.file('one.bin'));
    expect(await digestOf(folder.file('one.bin'))).toBe(await digestOf(source));
  });

  it('copies within the server', async () => {
    const source = folder.file('tree', 'parts/large.bin');
    await aws('s3', 'cp', source, 's3://aws-cli/copies/source.bin');
    await aws('s3', 'cp', 's3://aws-cli/copies/source.bin', 's3://aws-cli/copies/target.bin');
    await aws('s3', 'mv', 's3://aws-cli/copies/target.bin', 's3://aws-cli/copies/moved.bin');
    await aws('s3', 'cp', 's3://aws-cli/copies/moved.bin', folder.file('moved.bin'));
    expect(await digestOf(folder.file('moved.bin'))).toBe(await digestOf(source));
    expect(await aws('s3', 'ls', 's3://aws-cli/copies/')).not.toContain('target.bin');
  });

  it('syncs a tree in and out, finds nothing to do the second time, and deletes what is gone', async () => {
    const tree = folder.file('tree');
    await aws('s3', 'sync', tree, 's3://aws-cli/tree');
    expect(await aws('s3', 'sync', tree, 's3://aws-cli/tree')).toBe('');
    await aws('s3', 'sync', 's3://aws-cli/tree', folder.file('out'));
    expect(await digestsOf(folder.file('out'))).toEqual(await digestsOf(tree));

    await rm(folder.file('out', 'x'), { recursive: true });
    await writeFile(folder.file('out', 'new.txt'), 'new');
    await aws('s3', 'sync', '--delete', folder.file('out'), 's3://aws-cli/tree');
    await aws('s3', 'sync', 's3://aws-cli/tree', folder.file('again'));
    expect(await digestsOf(folder.file('again'))).toEqual(await digestsOf(folder.file('out')));
  });

  it('presigns a URL that anybody can read from until it expires', async () => {
    const source = folder.file('tree', 'umlaute/Grüße aus Köln.txt');
    await aws('s3', 'cp', source, 's3://aws-cli/presigned/Grüße aus Köln.txt');
    const url = (await aws('s3', 'presign', 's3://aws-cli/presigned/Grüße aus Köln.txt', '--expires-in', '60')).trim();
    const response = await fetch(url);
    expect(response.status).toBe(200);
    await writeFile(folder.file('presigned'), Buffer.from(await response.arrayBuffer()));
    expect(await digestOf(folder.file('presigned'))).toBe(await digestOf(source));
    expect((await fetch(url.replace(/Signature=./, 'Signature=0'))).status).toBe(403);
  });

  it('sends 200 MB in parts and gets the same bytes back', async () => {
    const source = folder.file('large.bin');
    await writeRandomFile(source, LARGE_BYTES);
    await aws('s3', 'cp', '--no-progress', source, 's3://aws-cli/large.bin');
    const head = await awsJson('s3api', 'head-object', '--bucket', 'aws-cli', '--key', 'large.bin');
    expect(head).toMatchObject({ ContentLength: LARGE_BYTES, ETag: `"${await multipartEtagOf(source)}"` });
    await aws('s3', 'cp', '--no-progress', 's3://aws-cli/large.bin', folder.file('large.out'));
    expect((await stat(folder.file('large.out'))).size).toBe(LARGE_BYTES);
    expect(await digestOf(folder.file('large.out'))).toBe(await digestOf(source));
  });

  it('removes objects, refuses to remove a bucket that is not empty, and removes it by force', async () => {
    await aws('s3', 'mb', 's3://aws-cli-gone');
    await aws('s3', 'cp', folder.file('tree', 'small.txt'), 's3://aws-cli-gone/a');
    await aws('s3', 'cp', folder.file('tree', 'small.txt'), 's3://aws-cli-gone/b');
    await aws('s3', 'rm', 's3://aws-cli-gone/a');
    expect(await aws('s3', 'ls', 's3://aws-cli-gone')).not.toMatch(/ a$/m);
    const refused = await tryProgram('aws', ['s3', 'rb', 's3://aws-cli-gone'], { env });
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain('BucketNotEmpty');
    await aws('s3', 'rb', '--force', 's3://aws-cli-gone');
    expect(await aws('s3', 'ls')).not.toContain('aws-cli-gone');
  });
});
