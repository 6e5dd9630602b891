import { Readable } from 'node:stream';
import { LRUCache } from 'lru-cache';
import type { BlobKey } from '../../context/ids';
import type { OperationContext } from '../../context/operation-context';
import { throwIfAborted } from '../abort-scope';
import { spanOf } from '../byte-range';
import { blobNameOf, keyOfBlobName, tenantPrefix } from '../driver-keys';
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
import type { TransferBuffers } from '../transfer-buffers';
import { rankAccounts } from './fleet';
import { GraphAccount, isKind } from './graph-account';
import type { GraphItem } from './graph-json';
import { GraphTransport } from './graph-transport';
import { blobNameOfFile, isShard, itemPathOf, tenantFolderOf } from './onedrive-names';
import type { OneDriveSettings } from './onedrive-settings';
import { OneDriveWrite } from './onedrive-write';

/** Largest file of OneDrive. */
const MAX_BLOB_BYTES = 250 * 1024 ** 3;
/** Download URLs are good for about an hour. */
const KEPT_ITEMS = 1_000;
const KEEP_ITEM_MS = 30 * 60_000;

export interface OneDriveDriverOptions {
  readonly settings: OneDriveSettings;
  /** Memory for uploads, shared with the other drivers of the process. */
  readonly buffers: TransferBuffers;
  /** Called for each request of an upload that is sent once more. */
  readonly onRetry?: (() => void) | undefined;
}

interface FoundItem {
  readonly account: GraphAccount;
  readonly item: GraphItem;
}

/**
 * Keeps each blob as a file on one drive of a fleet, by Microsoft Graph.
 *
 * A new blob goes to the drive that {@link rankAccounts} names first, or the next one with room; reads ask in that order, and deletes all.
 * Keys are exclusive on the drive that a blob goes to. Keys are UUIDs that the engine gives out once, so that nobody depends on more.
 */
export class OneDriveDriver extends Driver {
  readonly name: string;
  readonly capabilities: DriverCapabilities = { canCopy: false, isDurable: true, maxBlobBytes: MAX_BLOB_BYTES };

  private readonly transport: GraphTransport;
  private readonly accounts: readonly GraphAccount[];
  /** Where blobs were found, with URLs to read them by. */
  private readonly found = new LRUCache<string, FoundItem>({ max: KEPT_ITEMS, ttl: KEEP_ITEM_MS });
  /** Keys that this process is writing. */
  private readonly writing = new Set<string>();

  constructor(private readonly options: OneDriveDriverOptions) {
    super();
    const { settings } = options;
    this.name = settings.name;
    this.transport = new GraphTransport(settings.stallMs);
    this.accounts = settings.accounts.map((account) => new GraphAccount(this.transport, settings, account));
  }

  async write(ctx: OperationContext, key: BlobKey, source: BlobSource, options: WriteOptions): Promise<BlobStat> {
    const path = this.pathOf(ctx, key);
    throwIfAborted(ctx.signal);
    if (options.sizeBytes !== undefined && options.sizeBytes > MAX_BLOB_BYTES)
      throw new DriverError('TooLarge', 'the backend takes no blob of this size');
    if (this.writing.has(key)) throw new DriverError('AlreadyExists', 'the key is being written');
    this.writing.add(key);
    try {
      const { settings, buffers, onRetry = () => undefined } = this.options;
      const accounts = rankAccounts(this.accounts, key);
      const { signal } = ctx;
      const write = new OneDriveWrite({
        ...{ accounts, path, source, sizeBytes: options.sizeBytes },
        ...{ signal, buffers, settings, onRetry },
      });
      return { key, sizeBytes: await write.run(), modifiedAt: new Date() };
    } finally {
      this.writing.delete(key);
    }
  }

  async read(ctx: OperationContext, key: BlobKey, range?: ByteRange): Promise<BlobRead> {
    const path = this.pathOf(ctx, key);
    throwIfAborted(ctx.signal);
    const kept = this.found.get(key);
    const read = kept && (await this.open(ctx, key, kept, range));
    if (read !== undefined) return read;
    this.found.delete(key);
    const fresh = await this.find(key, path, ctx.signal);
    const opened = await this.open(ctx, key, fresh, range);
    if (opened === undefined)
      throw new DriverError('Unavailable', 'the backend refuses the download that it just offered');
    this.found.set(key, fresh);
    return opened;
  }

  async stat(ctx: OperationContext, key: BlobKey): Promise<BlobStat> {
    const path = this.pathOf(ctx, key);
    throwIfAborted(ctx.signal);
    const { item } = await this.find(key, path, ctx.signal);
    return statOf(key, item);
  }

  async delete(ctx: OperationContext, key: BlobKey): Promise<void> {
    const path = this.pathOf(ctx, key);
    throwIfAborted(ctx.signal);
    try {
      await Promise.all(this.accounts.map((account) => account.delete(path, ctx.signal)));
    } finally {
      this.found.delete(key);
    }
  }

  async *list(ctx: OperationContext): AsyncGenerator<BlobListing> {
    tenantPrefix(ctx.tenantId);
    const folder = tenantFolderOf(this.options.settings.folder, ctx.tenantId);
    throwIfAborted(ctx.signal);
    for (const account of this.accounts) {
      for await (const shard of account.children(folder, ctx.signal)) {
        if (!shard.isFolder || !isShard(shard.name)) continue;
        for await (const item of account.children(`${folder}/${shard.name}`, ctx.signal)) {
          const name = item.isFolder ? undefined : blobNameOfFile(item.name);
          if (name === undefined) continue;
          yield { ...statOf(keyOfBlobName(ctx.tenantId, name), item), isPartial: false };
          throwIfAborted(ctx.signal);
        }
      }
    }
  }

  health(ctx: OperationContext): Promise<DriverHealth> {
    return probeHealth(this, ctx);
  }

  async close(): Promise<void> {
    this.found.clear();
    await this.transport.close();
  }

  private pathOf(ctx: OperationContext, key: BlobKey): string {
    const name = blobNameOf(ctx, key);
    return itemPathOf(this.options.settings.folder, ctx.tenantId, key, name);
  }

  /** Undefined when the item's URL is no longer good. */
  private async open(
    ctx: OperationContext,
    key: BlobKey,
    { account, item }: FoundItem,
    range: ByteRange | undefined,
  ): Promise<BlobRead | undefined> {
    const span = spanOf(range, item.sizeBytes);
    const stat = statOf(key, item);
    if (item.sizeBytes === 0) return { stat, body: Readable.from([], { objectMode: false }) };
    const body = await account.download(item, span, ctx.signal);
    return body && { stat, body };
  }

  /**
   * The blob on whichever drive has it. A miss on one while another can't be asked is `Unavailable` (or what else went wrong there), never
   * `NotFound`.
   */
  private async find(key: BlobKey, path: string, signal: AbortSignal): Promise<FoundItem> {
    let reason: unknown = new DriverError('NotFound', 'no drive holds the blob');
    for (const account of rankAccounts(this.accounts, key)) {
      try {
        const item = await account.item(path, signal);
        if (!item.isFolder) return { account, item };
      } catch (error) {
        if (signal.aborted) throw error;
        if (!isKind(error, 'NotFound')) reason = error;
      }
    }
    throw reason;
  }
}

function statOf(key: BlobKey, { sizeBytes, modifiedAt }: GraphItem): BlobStat {
  return { key, sizeBytes, modifiedAt };
}
