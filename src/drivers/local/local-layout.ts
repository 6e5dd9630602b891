import { hash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { LRUCache } from 'lru-cache';
import type { BlobKey, TenantId } from '../../context/ids';
import type { OperationContext } from '../../context/operation-context';
import { blobNameOf, tenantPrefix } from '../driver-keys';
import { DriverError } from '../driver.errors';
import { syncFolder } from './file-io';
import { errorCode } from './local-errors';

/** Folders remembered per process; forgetting one costs a few system calls. */
const MAX_KNOWN_FOLDERS = 16_384;
const FOLDER_MODE = 0o750;
const FOLDER_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Ends the name of a file whose write has not completed. No blob's name has a dot. */
export const PARTIAL_SUFFIX = '.partial';

/** Where a blob lies: `<root>/tenant/<tenantId>/<3 hex digits of sha256(key)>/<name>`. */
export interface BlobPlace {
  readonly folder: string;
  readonly path: string;
  readonly partialPath: string;
}

/**
 * The folders of a local driver. Every folder below the root is seen once not to be a symbolic link before a path through it
 * is used, so that a link planted in the root leads nowhere.
 */
export class LocalLayout {
  readonly root: string;
  private readonly tenants: string;
  /** `durable`: its name, and those of the folders above, survive a power cut. */
  private readonly known = new LRUCache<string, 'seen' | 'durable'>({ max: MAX_KNOWN_FOLDERS });
  private opening: Promise<void> | undefined;

  constructor(
    root: string,
    private readonly syncsFolders: boolean,
  ) {
    this.root = resolve(root);
    this.tenants = join(this.root, 'tenant');
  }

  /** Throws `PermissionDenied` for a key that is not one of the context's tenant. */
  placeOf(ctx: OperationContext, key: BlobKey): BlobPlace {
    const name = blobNameOf(ctx, key);
    const folder = `${this.tenants}/${ctx.tenantId}/${fanOut(key)}`;
    const path = `${folder}/${name}`;
    return { folder, path, partialPath: path + PARTIAL_SUFFIX };
  }

  /** Throws `PermissionDenied` for an id that is no plain segment. */
  tenantFolder(tenant: TenantId): string {
    return join(this.root, tenantPrefix(tenant).slice(0, -1));
  }

  /** Makes the root at the first use, never again: a disk that is unmounted later must not be written beside. */
  open(): Promise<void> {
    this.opening ??= this.makeRoot().catch((error: unknown) => {
      this.opening = undefined;
      throw error;
    });
    return this.opening;
  }

  /** True when nothing has to be awaited before a blob in `folder` is read. */
  isSeen(folder: string): boolean {
    return this.known.get(folder) !== undefined;
  }

  /** Rejects with ENOENT for a missing folder, ENOTDIR or `Corrupted` for something else in its place. */
  async see(folder: string): Promise<void> {
    const tenantFolder = dirname(folder);
    if (!this.isSeen(tenantFolder)) await this.seeTenant(tenantFolder);
    await this.lookAt(folder);
  }

  /** As {@link see}, for the folder of a tenant. */
  async seeTenant(tenantFolder: string): Promise<void> {
    await this.open();
    await this.lookAt(tenantFolder);
  }

  /** True when nothing has to be awaited before a blob in `folder` is written. */
  isMade(folder: string): boolean {
    return this.known.get(folder) === 'durable';
  }

  /** Makes `folder` and its tenant's, durably where the driver syncs folders. */
  async make(folder: string): Promise<void> {
    await this.open();
    const tenantFolder = dirname(folder);
    if (this.known.get(tenantFolder) !== 'durable') await this.makeIn(this.tenants, tenantFolder);
    await this.makeIn(tenantFolder, folder);
  }

  /** To be called when a path through `folder` was missing although the folder was known. */
  forget(folder: string): void {
    this.known.delete(folder);
    this.known.delete(dirname(folder));
  }

  /** Rejects with `Unavailable` when the root has gone: then a missing blob says nothing. */
  async checkRoot(): Promise<void> {
    await this.open();
    try {
      await lstat(this.tenants);
    } catch (error) {
      throw new DriverError('Unavailable', 'the root folder of the driver is missing', { cause: error });
    }
  }

  syncFolder(folder: string): Promise<void> {
    return syncFolder(folder, FOLDER_FLAGS);
  }

  private async makeRoot(): Promise<void> {
    const first = await mkdir(this.tenants, { recursive: true, mode: FOLDER_MODE });
    await this.requireFolder(this.tenants);
    if (first === undefined || !this.syncsFolders) return;
    for (let folder = this.tenants; folder.length >= first.length; folder = dirname(folder)) {
      await this.syncFolder(dirname(folder));
    }
  }

  private async makeIn(parent: string, folder: string): Promise<void> {
    try {
      await mkdir(folder, FOLDER_MODE);
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
      await this.requireFolder(folder);
    }
    // Also for a folder that another process made: it may not have come to the sync yet.
    if (this.syncsFolders) await this.syncFolder(parent);
    this.known.set(folder, 'durable');
  }

  private async lookAt(folder: string): Promise<void> {
    await this.requireFolder(folder);
    if (this.known.get(folder) === undefined) this.known.set(folder, 'seen');
  }

  private async requireFolder(folder: string): Promise<void> {
    const stats = await lstat(folder);
    if (!stats.isDirectory())
      throw new DriverError('Corrupted', 'something other than a folder lies in the place of one');
  }
}

function fanOut(key: BlobKey): string {
  return hash('sha256', key).slice(0, 3);
}
