import { constants, fstatSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { lstat, unlink } from 'node:fs/promises';
import type { BlobKey } from '../../context/ids';
import type { OperationContext } from '../../context/operation-context';
import { AbortScope, throwIfAborted } from '../abort-scope';
import { spanOf } from '../byte-range';
import { consumeSource } from '../consume-source';
import { Driver } from '../driver';
import type {
  BlobListing,
  BlobRead,
  BlobSource,
  BlobStat,
  ByteRange,
  DriverCapabilities,
  DriverHealth,
  WriteOptions,
} from '../driver';
import { DriverError } from '../driver.errors';
import { probeHealth } from '../probe-health';
import { BlobFileStream } from './blob-file-stream';
import { EarlySync, EarlySyncLimit } from './early-sync';
import { closeLater, openFile } from './file-io';
import { errorCode, localError } from './local-errors';
import { LocalLayout } from './local-layout';
import type { BlobPlace } from './local-layout';
import { listFolder } from './local-listing';
import { PartialFile } from './partial-file';

/**
 * How much of a write a power cut can't undo. A killed process undoes no write that was acknowledged, whatever the setting.
 *
 * - `full`: bytes and names: the file is synced before it gets its name, the folder after it, and so are new folders.
 * - `metadata`: names only: folders are synced, the bytes are left to the system's writeback. After a power cut a blob may be
 *   there with bytes missing. For disks whose bytes are safe otherwise, and for what can be made again.
 * - `none`: nothing is synced. For trials and caches.
 */
export type LocalDurability = 'full' | 'metadata' | 'none';

export interface LocalDriverOptions {
  readonly name: string;
  /** The root folder; made at the first use. Several processes of one machine may share it. */
  readonly root: string;
  readonly durability: LocalDurability;
}

// O_NONBLOCK: opening a named pipe that somebody planted must not wait for its writer.
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Keeps each blob in a file of a local (or locally mounted) file system.
 *
 * A write goes to `<name>.partial` and is renamed when whole. A killed process leaves the `.partial`, which holds its key
 * until `delete`. Deletes are not synced: one that a power cut undoes leaves a blob that nothing refers to.
 */
export class LocalDriver extends Driver {
  readonly name: string;
  readonly capabilities: DriverCapabilities;

  private readonly layout: LocalLayout;
  private readonly earlySyncLimit = new EarlySyncLimit();
  private readonly syncsBytes: boolean;
  private readonly syncsFolders: boolean;

  constructor(options: LocalDriverOptions) {
    super();
    this.name = options.name;
    this.syncsBytes = options.durability === 'full';
    this.syncsFolders = options.durability !== 'none';
    this.layout = new LocalLayout(options.root, this.syncsFolders);
    this.capabilities = { canCopy: false, isDurable: true, maxBlobBytes: undefined };
  }

  async write(ctx: OperationContext, key: BlobKey, source: BlobSource, options: WriteOptions): Promise<BlobStat> {
    const place = this.layout.placeOf(ctx, key);
    throwIfAborted(ctx.signal);
    const scope = new AbortScope(ctx.signal);
    try {
      const file = await this.createFile(place);
      try {
        const sizeBytes = await consumeSource(source, options.sizeBytes, scope, (chunk, offset) =>
          scope.guard(file.append(chunk, offset)).catch(rethrow),
        );
        if (this.syncsBytes) await scope.guard(file.sync()).catch(rethrow);
        scope.check();
        const stats = await file.publish().catch(rethrow);
        await this.settleName(place);
        return { key, sizeBytes, modifiedAt: stats.mtime };
      } catch (error) {
        await file.discard().catch(rethrow);
        throw error;
      }
    } finally {
      scope.close();
    }
  }

  async read(ctx: OperationContext, key: BlobKey, range?: ByteRange): Promise<BlobRead> {
    const place = this.layout.placeOf(ctx, key);
    throwIfAborted(ctx.signal);
    const fd = await this.find(place, () => openFile(place.path, READ_FLAGS));
    try {
      throwIfAborted(ctx.signal);
      // Synchronous on purpose: of an open file it needs no disk, and a hop to the thread pool costs several times as much.
      const stat = statOf(key, fstatSync(fd));
      return { stat, body: new BlobFileStream(fd, spanOf(range, stat.sizeBytes), ctx.signal) };
    } catch (error) {
      closeLater(fd);
      throw localError(error);
    }
  }

  async stat(ctx: OperationContext, key: BlobKey): Promise<BlobStat> {
    const place = this.layout.placeOf(ctx, key);
    throwIfAborted(ctx.signal);
    const stats = await this.find(place, () => lstat(place.path));
    throwIfAborted(ctx.signal);
    return statOf(key, stats);
  }

  async delete(ctx: OperationContext, key: BlobKey): Promise<void> {
    const place = this.layout.placeOf(ctx, key);
    throwIfAborted(ctx.signal);
    try {
      if (!this.layout.isSeen(place.folder)) await this.layout.see(place.folder);
      await Promise.all([unlinkIfThere(place.path), unlinkIfThere(place.partialPath)]);
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw localError(error);
      await this.layout.checkRoot();
    }
  }

  async *list(ctx: OperationContext): AsyncGenerator<BlobListing> {
    const tenantFolder = this.layout.tenantFolder(ctx.tenantId);
    throwIfAborted(ctx.signal);
    try {
      await this.layout.checkRoot();
      if (!this.layout.isSeen(tenantFolder)) await this.layout.seeTenant(tenantFolder);
      for await (const listing of listFolder(ctx.tenantId, tenantFolder)) {
        throwIfAborted(ctx.signal);
        yield listing;
      }
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw localError(error);
    }
  }

  health(ctx: OperationContext): Promise<DriverHealth> {
    return probeHealth(this, ctx);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private async createFile(place: BlobPlace): Promise<PartialFile> {
    const earlySync = this.syncsBytes ? new EarlySync(this.earlySyncLimit) : undefined;
    try {
      if (this.layout.isMade(place.folder)) {
        try {
          return await PartialFile.create(place, earlySync);
        } catch (error) {
          if (errorCode(error) !== 'ENOENT') throw error;
          this.layout.forget(place.folder);
          await this.layout.checkRoot();
        }
      }
      await this.layout.make(place.folder);
      return await PartialFile.create(place, earlySync);
    } catch (error) {
      const mapped = localError(error);
      // A write has nothing to find: a folder that went missing under it is the backend's trouble.
      throw mapped.kind === 'NotFound' ? new DriverError('Unavailable', mapped.message, { cause: error }) : mapped;
    }
  }

  /** Past the rename an abort is too late to matter; a failed sync takes the blob back. */
  private async settleName(place: BlobPlace): Promise<void> {
    if (!this.syncsFolders) return;
    try {
      await this.layout.syncFolder(place.folder);
    } catch (error) {
      await unlinkIfThere(place.path);
      throw localError(error);
    }
  }

  /** Runs `look` on a path through folders that are known to be none but our own. */
  private async find<T>(place: BlobPlace, look: () => Promise<T>): Promise<T> {
    try {
      if (!this.layout.isSeen(place.folder)) await this.layout.see(place.folder);
      return await look();
    } catch (error) {
      if (errorCode(error) === 'ENOENT') await this.layout.checkRoot();
      throw localError(error);
    }
  }
}

function statOf(key: BlobKey, stats: Stats): BlobStat {
  if (!stats.isFile()) throw new DriverError('Corrupted', 'something other than a file lies in the place of a blob');
  return { key, sizeBytes: stats.size, modifiedAt: stats.mtime };
}

async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

function rethrow(error: unknown): never {
  throw localError(error);
}
