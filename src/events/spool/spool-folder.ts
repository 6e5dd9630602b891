import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { FolderLock } from '../../config/folder-lock';

const OWNER = 'owner';
/** Not locked yet. */
const UNFINISHED = '.new';
/**
 * A lock is named after the inode of its folder, and {@link SpoolFolder.remove} frees the inode before the lock. A folder that is made
 * in between can't be locked; another one beside it has another inode.
 */
const MAX_NEW_FOLDERS = 8;
/** The lock holds on one machine. A folder of another one is taken over when nobody has touched it for so long. */
const FOREIGN_PATIENCE_MS = 300_000;

/** A folder for the spool of one process, which no other process takes over as long as this one lives. */
export class SpoolFolder {
  private constructor(
    readonly path: string,
    private readonly lock: FolderLock,
  ) {}

  /** A new one in `parent`, which is made as well. */
  static async create(parent: string): Promise<SpoolFolder> {
    const refused: string[] = [];
    try {
      while (refused.length < MAX_NEW_FOLDERS) {
        const path = join(parent, randomUUID());
        const unfinished = `${path}${UNFINISHED}`;
        await mkdir(unfinished, { recursive: true, mode: 0o700 });
        await writeFile(join(unfinished, OWNER), hostname());
        const lock = await FolderLock.tryAcquire(unfinished);
        if (lock !== undefined) {
          await rename(unfinished, path);
          return new SpoolFolder(path, lock);
        }
        refused.push(unfinished);
      }
      throw new Error(`new folders in ${parent} are locked by somebody else`);
    } finally {
      for (const path of refused) await rm(path, { recursive: true, force: true });
    }
  }

  /** Takes over a folder in `parent` whose process is gone; undefined when there is none. */
  static async takeOver(parent: string): Promise<SpoolFolder | undefined> {
    for (const name of await namesIn(parent)) {
      const path = join(parent, name);
      if (name.endsWith(UNFINISHED)) continue;
      try {
        const lock = await FolderLock.tryAcquire(path);
        if (lock === undefined) continue;
        if (await isTakeable(path)) return new SpoolFolder(path, lock);
        await lock.release();
      } catch (error) {
        // Somebody else took it over and is done already.
        if (!isMissing(error)) throw error;
      }
    }
    return undefined;
  }

  /** Tells processes on other machines that this one lives. Due only while something is in the folder. */
  async touch(): Promise<void> {
    const now = new Date();
    await utimes(join(this.path, OWNER), now, now);
  }

  /** Removes the folder with all that is in it. */
  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
    await this.lock.release();
  }

  /** Leaves the folder to whoever takes it over. */
  async leave(): Promise<void> {
    await this.lock.release();
  }
}

async function namesIn(parent: string): Promise<string[]> {
  try {
    return await readdir(parent);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function isTakeable(path: string): Promise<boolean> {
  const owner = await readFile(join(path, OWNER), 'utf8').catch(() => hostname());
  if (owner === hostname()) return true;
  const ages = await Promise.all(
    (await readdir(path)).map(async (name) => Date.now() - (await stat(join(path, name))).mtimeMs),
  );
  return Math.min(...ages) > FOREIGN_PATIENCE_MS;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
