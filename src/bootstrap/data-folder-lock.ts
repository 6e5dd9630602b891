import { FolderLock } from '../config/folder-lock';
import { StartUpError } from '../config/start-up.error';

/** Sees to it that one gateway at a time works on a data folder. */
export class DataFolderLock {
  private constructor(private readonly lock: FolderLock) {}

  /** @throws StartUpError when another gateway holds the folder */
  static async acquire(dataDir: string): Promise<DataFolderLock> {
    const lock = await FolderLock.tryAcquire(dataDir);
    if (lock !== undefined) return new DataFolderLock(lock);
    throw new StartUpError(
      `The data folder ${dataDir} is in use by another Vaultaire: stop it, or set VAULTAIRE_DATA_DIR`,
    );
  }

  async release(): Promise<void> {
    await this.lock.release();
  }
}
