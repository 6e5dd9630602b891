import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StartUpError } from '../config/start-up.error';
import { DataFolderLock } from './data-folder-lock';

describe('DataFolderLock', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'lock-'))));
  afterEach(() => {
    rmSync(folder, { recursive: true });
    rmSync(`${folder}-link`, { force: true });
  });

  it('refuses a second holder, by whatever path it comes, until the first lets go', async () => {
    const first = await DataFolderLock.acquire(folder);
    symlinkSync(folder, `${folder}-link`);
    await expect(DataFolderLock.acquire(folder)).rejects.toThrow(StartUpError);
    await expect(DataFolderLock.acquire(`${folder}-link`)).rejects.toThrow(/in use by another Vaultaire/);
    await first.release();
    const second = await DataFolderLock.acquire(folder);
    await second.release();
  });

  it('leaves other folders alone, and no file in its own', async () => {
    const first = await DataFolderLock.acquire(folder);
    const other = mkdtempSync(join(tmpdir(), 'lock-'));
    await (await DataFolderLock.acquire(other)).release();
    await first.release();
    rmSync(other, { recursive: true });
  });
});
