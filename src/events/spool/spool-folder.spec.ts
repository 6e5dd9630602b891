import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FolderLock } from '../../config/folder-lock';
import { SpoolFolder } from './spool-folder';

describe('a spool folder', () => {
  let parent: string;

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'vaultaire-spool-'));
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await rm(parent, { recursive: true });
  });

  it('is made beside one whose inode somebody has not given back yet', async () => {
    jest.spyOn(FolderLock, 'tryAcquire').mockResolvedValueOnce(undefined);
    const folder = await SpoolFolder.create(parent);
    expect((await readdir(parent)).map((name) => join(parent, name))).toEqual([folder.path]);
    await folder.remove();
    expect(await readdir(parent)).toEqual([]);
  });

  it('is taken over when its process left it, and not before', async () => {
    const folder = await SpoolFolder.create(parent);
    expect(await SpoolFolder.takeOver(parent)).toBeUndefined();
    await folder.leave();
    const taken = await SpoolFolder.takeOver(parent);
    expect(taken?.path).toBe(folder.path);
    await taken?.remove();
  });
});
