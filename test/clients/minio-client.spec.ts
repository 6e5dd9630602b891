import { spawnSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { digestOf, digestsOf, TemporaryFolder, writeTree } from './support/folders';
import { describeClient, isInstalled, runProgram, tryProgram } from './support/programs';
import { startServer } from './support/server';
import type { ClientServer } from './support/server';

/** Midnight Commander is called `mc` too. */
const program = ['mc', 'mcli', 'minio-client'].find(
  (name) => isInstalled(name) && spawnSync(name, ['--version'], { encoding: 'utf8' }).stdout.includes('MinIO'),
);

describeClient("MinIO's mc", program !== undefined, () => {
  let server: ClientServer;
  let folder: TemporaryFolder;

  const options = () => ({ env: { HOME: folder.path, MC_CONFIG_DIR: folder.file('mc'), MC_NO_COLOR: '1' } });
  const mc = (...args: readonly string[]): Promise<string> =>
    runProgram(program ?? 'mc', ['--disable-pager', '--quiet', ...args], options());
  /** One object for each line. */
  const mcJson = async (...args: readonly string[]): Promise<Record<string, unknown>[]> =>
    (await mc('--json', ...args))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));

  beforeAll(async () => {
    server = await startServer();
    folder = await TemporaryFolder.create();
    await mc('alias', 'set', 'v', server.url, server.accessKey, server.secretKey, '--api', 'S3v4', '--path', 'on');
    await writeTree(folder.file('tree'));
    await mc('mb', 'v/mc-bucket');
  });

  afterAll(async () => {
    await server.stop();
    await folder.remove();
  });

  it('makes a bucket that is then listed', async () => {
    expect((await mcJson('ls', 'v')).map(({ key }) => key)).toContain('mc-bucket/');
  });

  it('copies a file in, in parts, tells its size and kind, and copies it out again', async () => {
    const source = folder.file('tree', 'parts/large.bin');
    await mc('cp', '--attr', 'colour=blue', source, 'v/mc-bucket/one/large.bin');
    const [stat] = await mcJson('stat', 'v/mc-bucket/one/large.bin');
    expect(stat).toMatchObject({ size: 17 * 1024 * 1024 + 17, metadata: { 'X-Amz-Meta-Colour': 'blue' } });
    await mc('cp', 'v/mc-bucket/one/large.bin', folder.file('large.bin'));
    expect(await digestOf(folder.file('large.bin'))).toBe(await digestOf(source));
  });

  it('mirrors a tree in and out, and removes what is gone', async () => {
    await mc('mirror', folder.file('tree'), 'v/mc-bucket/tree');
    expect(await mc('diff', folder.file('tree'), 'v/mc-bucket/tree')).toBe('');
    await mc('mirror', 'v/mc-bucket/tree', folder.file('out'));
    expect(await digestsOf(folder.file('out'))).toEqual(await digestsOf(folder.file('tree')));

    await rm(folder.file('out', 'parts'), { recursive: true });
    await mc('mirror', '--overwrite', '--remove', folder.file('out'), 'v/mc-bucket/tree');
    const names = (await mcJson('find', 'v/mc-bucket/tree')).map(({ key }) =>
      String(key).replace('v/mc-bucket/tree/', ''),
    );
    expect(names.sort()).toEqual(Object.keys(await digestsOf(folder.file('out'))).sort());
  });

  it('copies and moves within the server', async () => {
    await mc('cp', 'v/mc-bucket/one/large.bin', 'v/mc-bucket/copies/copy.bin');
    await mc('mv', 'v/mc-bucket/copies/copy.bin', 'v/mc-bucket/copies/moved.bin');
    await mc('cp', 'v/mc-bucket/copies/moved.bin', folder.file('moved.bin'));
    expect(await digestOf(folder.file('moved.bin'))).toBe(await digestOf(folder.file('large.bin')));
    expect((await mcJson('ls', 'v/mc-bucket/copies/')).map(({ key }) => key)).toEqual(['moved.bin']);
  });

  it('reads a file, a part of it, and its beginning', async () => {
    await writeFile(folder.file('text'), 'first\nsecond\n');
    await mc('cp', folder.file('text'), 'v/mc-bucket/text');
    expect(await mc('cat', 'v/mc-bucket/text')).toBe('first\nsecond\n');
    expect(await mc('cat', '--offset', '6', 'v/mc-bucket/text')).toBe('second\n');
    expect(await mc('head', '-n', '1', 'v/mc-bucket/text')).toBe('first\n');
  });

  it('shares a URL that anybody can read from', async () => {
    const [shared] = await mcJson('share', 'download', '--expire', '1h', 'v/mc-bucket/text');
    const response = await fetch(String(shared?.share));
    expect([response.status, await response.text()]).toEqual([200, 'first\nsecond\n']);
  });

  it('tags an object, and reads the tags', async () => {
    await mc('tag', 'set', 'v/mc-bucket/text', 'colour=blue&shape=round');
    expect(await mcJson('tag', 'list', 'v/mc-bucket/text')).toMatchObject([
      { tagset: { colour: 'blue', shape: 'round' } },
    ]);
    await mc('tag', 'remove', 'v/mc-bucket/text');
  });

  it('goes back to an older version', async () => {
    await mc('version', 'enable', 'v/mc-bucket');
    await writeFile(folder.file('text'), 'newer\n');
    await mc('cp', folder.file('text'), 'v/mc-bucket/text');
    const versions = await mcJson('ls', '--versions', 'v/mc-bucket/text');
    expect(versions).toHaveLength(2);
    const old = versions.find(({ size }) => size === 13);
    expect(await mc('cat', '--version-id', String(old?.versionId), 'v/mc-bucket/text')).toBe('first\nsecond\n');
    expect(await mc('cat', 'v/mc-bucket/text')).toBe('newer\n');
  });

  it('refuses to remove a bucket that is not empty, and removes it by force with all versions', async () => {
    const refused = await tryProgram(program ?? 'mc', ['rb', 'v/mc-bucket'], options());
    expect(refused.code).not.toBe(0);
    await mc('rb', '--force', 'v/mc-bucket');
    expect(await mc('ls', 'v')).not.toContain('mc-bucket');
  });
});
