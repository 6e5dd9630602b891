import { constants, fstatSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { lstat, rename, unlink } from 'node:fs/promises';
import { DriverError } from '../driver.errors';
import { closeLater, openFile, syncData, writeAll } from './file-io';
import { errorCode } from './local-errors';
import type { BlobPlace } from './local-layout';
import type { EarlySync } from './early-sync';

const CREATE_FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const FILE_MODE = 0o640;

/**
 * The file of a write in progress. Its name, taken with O_EXCL, is also the lock of the key: only who holds it may publish, which
 * makes a rename safe that would otherwise overwrite. (A hard link refuses to overwrite by itself, yet a kill between link and
 * unlink would leave two names, and not every file system has hard links.)
 */
export class PartialFile {
  private running: Promise<void> | undefined;
  private isClosed = false;

  private constructor(
    private readonly fd: number,
    private readonly place: BlobPlace,
    private readonly earlySync: EarlySync | undefined,
  ) {}

  /** Rejects with `AlreadyExists` when a blob or another write holds the key. */
  static async create(place: BlobPlace, earlySync: EarlySync | undefined): Promise<PartialFile> {
    const fd = await openFile(place.partialPath, CREATE_FLAGS, FILE_MODE);
    const file = new PartialFile(fd, place, earlySync);
    try {
      await file.refuseTaken();
      return file;
    } catch (error) {
      await file.discard();
      throw error;
    }
  }

  append(chunk: Uint8Array, offset: number): Promise<void> {
    this.running = writeAll(this.fd, chunk, offset);
    this.earlySync?.wrote(this.fd, chunk.byteLength);
    return this.running;
  }

  /** Makes what was appended durable. */
  async sync(): Promise<void> {
    this.running = this.finishSync();
    await this.running;
  }

  /** Gives the file its final name and closes it. */
  async publish(): Promise<Stats> {
    const stats = fstatSync(this.fd);
    // Somebody deleted the key meanwhile; the name may belong to another write by now.
    if (stats.nlink !== 1) throw new DriverError('Aborted', 'the blob was deleted while it was written');
    await rename(this.place.partialPath, this.place.path);
    this.close();
    return stats;
  }

  /** Removes the file, at once also while a call on it is running. */
  async discard(): Promise<void> {
    const isOurs = !this.isClosed && fstatSync(this.fd).nlink === 1;
    const afterRunning = (): void => {
      this.close();
    };
    Promise.allSettled([this.running, this.earlySync?.settled()]).then(afterRunning, afterRunning);
    if (!isOurs) return;
    try {
      await unlink(this.place.partialPath);
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
    }
  }

  private async finishSync(): Promise<void> {
    await this.earlySync?.settled();
    await syncData(this.fd);
  }

  private async refuseTaken(): Promise<void> {
    try {
      await lstat(this.place.path);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return;
      throw error;
    }
    throw new DriverError('AlreadyExists', 'the key already holds a blob');
  }

  private close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    closeLater(this.fd);
  }
}
