import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kindOf } from '../../../test/conformance/describe-driver';
import { FolderSource } from './folder.source';

describe('a folder as a source', () => {
  const { signal } = new AbortController();
  let folder: string;
  let source: FolderSource;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'source-'));
    for (const name of ['a', 'a/b', 'a/b/c']) mkdirSync(join(folder, name));
    for (const name of ['a.txt', 'a/1', 'a/b/c/2', 'a/b.txt', 'z']) writeFileSync(join(folder, name), name);
    symlinkSync(tmpdir(), join(folder, 'a/outside'));
    source = new FolderSource('files', folder);
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const keysAfter = async (after?: string): Promise<string[]> => {
    const keys: string[] = [];
    for await (const key of source.keys(after, signal)) keys.push(key);
    return keys;
  };

  it('goes on behind any of its keys', async () => {
    const all = ['a.txt', 'a/1', 'a/b.txt', 'a/b/c/2', 'z'];
    expect(await keysAfter()).toEqual(all);
    for (const [index, key] of all.entries()) expect(await keysAfter(key)).toEqual(all.slice(index + 1));
  });

  it('follows no link out of the folder', async () => {
    expect(await source.describe('a/outside')).toBeUndefined();
    expect(await source.describe('../z')).toBeUndefined();
  });

  it('removes a file while it is what it was, and nothing by way of a link', async () => {
    const etagOf = async (key: string): Promise<string> => (await source.describe(key))?.etag ?? '';
    const stale = { key: 'z', etag: await etagOf('z') };
    writeFileSync(join(folder, 'z'), 'other');
    await source.remove(stale);
    expect(existsSync(join(folder, 'z'))).toBe(true);
    symlinkSync(join(folder, 'a'), join(folder, 'linked'));
    await source.remove({ key: 'linked/1', etag: await etagOf('a/1') });
    expect(existsSync(join(folder, 'a/1'))).toBe(true);
    await source.remove({ key: 'a/1', etag: await etagOf('a/1') });
    await source.remove({ key: 'a/1', etag: 'gone' });
    expect(existsSync(join(folder, 'a/1'))).toBe(false);
  });

  it('tells a folder that is away from a file that is gone, and a file that has changed', async () => {
    const object = await source.describe('z');
    if (object === undefined) throw new Error('there is no z');
    const read = (): Promise<string> => kindOf(source.read(object, { start: 0, endExclusive: 1 }, signal));
    writeFileSync(join(folder, 'z'), 'other');
    expect(await read()).toBe('Corrupted');
    rmSync(join(folder, 'z'));
    expect(await read()).toBe('NotFound');
    renameSync(folder, `${folder}-away`);
    expect(await read()).toBe('Unavailable');
    renameSync(`${folder}-away`, folder);
  });
});
