import { crc32 } from 'node:zlib';
import type { BlobKey } from '../../context/ids';
import type { OperationContext } from '../../context/operation-context';
import { throwIfAborted } from '../abort-scope';
import { spanOf } from '../byte-range';
import { blobNameOf } from '../driver-keys';
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
import type { Semaphore } from '../semaphore';
import type { TransferBuffers } from '../transfer-buffers';
import { StripeLayout } from './stripe-layout';
import { StripedBody } from './striped-body';
import type { OpenPart } from './striped-body';
import { StripedWrite } from './striped-write';

export interface StripedDriverOptions {
  readonly name: string;
  /** Two or more, with their layers. Their order and number are part of how blobs lie, and can't change. */
  readonly members: readonly Driver[];
  readonly chunkBytes: number;
  /** Of writes, for a chunk of each part. Not that of the members: they must go on while it is used up. */
  readonly writeMemory: TransferBuffers;
  /** A permit for each read that holds a chunk of each part. */
  readonly readMemory: Semaphore;
}

/**
 * Lays blobs over several drivers in chunks, in turns, so that a large one is written and read as fast as all of them together.
 *
 * Each member holds its chunks as one blob under the same key. The first chunk's member differs from key to key; what fits into
 * a chunk is on that one alone. Its part is written last and deleted first: the blob is there when it is.
 */
export class StripedDriver extends Driver {
  readonly name: string;
  readonly capabilities: DriverCapabilities;
  private readonly members: readonly Driver[];
  private readonly layout: StripeLayout;

  constructor(private readonly options: StripedDriverOptions) {
    super();
    const { name, members, chunkBytes } = options;
    this.name = name;
    this.members = members;
    this.layout = new StripeLayout(members.length, chunkBytes);
    this.capabilities = {
      canCopy: false,
      isDurable: members.every(({ capabilities }) => capabilities.isDurable),
      maxBlobBytes: this.maxBlobBytes(),
    };
  }

  async write(ctx: OperationContext, key: BlobKey, source: BlobSource, options: WriteOptions): Promise<BlobStat> {
    blobNameOf(ctx, key);
    throwIfAborted(ctx.signal);
    const write = new StripedWrite(ctx, key, this.membersOf(key), this.layout, this.options.writeMemory);
    return { key, sizeBytes: await write.run(source, options.sizeBytes), modifiedAt: new Date() };
  }

  async read(ctx: OperationContext, key: BlobKey, range?: ByteRange): Promise<BlobRead> {
    const stat = await this.stat(ctx, key);
    const span = spanOf(range, stat.sizeBytes);
    const members = this.membersOf(key);
    const opening = members.map(async (member, at): Promise<OpenPart | undefined> => {
      const part = this.layout.spanInPart(span, at);
      // The first part is opened for an empty blob too.
      if (part === undefined && (at > 0 || span.endExclusive > span.start)) return undefined;
      const partRange = part && { start: part.start, end: part.endExclusive - 1 };
      const { body } = await member.read(ctx, key, partRange);
      return { source: body, lengthBytes: part === undefined ? 0 : part.endExclusive - part.start };
    });
    const opened = await Promise.allSettled(opening);
    const failed = opened.find((result) => result.status === 'rejected');
    const parts = opened.map((result) => (result.status === 'fulfilled' ? result.value : undefined));
    if (failed !== undefined) {
      for (const part of parts) part?.source.destroy();
      throw failed.reason;
    }
    return { stat, body: new StripedBody(ctx.signal, this.layout, span, parts, this.options.readMemory) };
  }

  async stat(ctx: OperationContext, key: BlobKey): Promise<BlobStat> {
    blobNameOf(ctx, key);
    throwIfAborted(ctx.signal);
    const stats = await Promise.all(
      this.membersOf(key).map((member, at) =>
        member.stat(ctx, key).catch((error: unknown) => {
          if (at > 0 && error instanceof DriverError && error.kind === 'NotFound') return undefined;
          throw error;
        }),
      ),
    );
    const sizeBytes = stats.reduce((sum, part) => sum + (part?.sizeBytes ?? 0), 0);
    for (const [at, part] of stats.entries()) {
      if (this.layout.partBytes(sizeBytes, at) !== (part?.sizeBytes ?? 0))
        throw new DriverError('Corrupted', 'the parts of a striped blob do not fit together');
    }
    return { key, sizeBytes, modifiedAt: stats[0]?.modifiedAt ?? new Date(0) };
  }

  async delete(ctx: OperationContext, key: BlobKey): Promise<void> {
    blobNameOf(ctx, key);
    throwIfAborted(ctx.signal);
    const [first, ...others] = this.membersOf(key);
    await first?.delete(ctx, key);
    await Promise.all(others.map((member) => member.delete(ctx, key)));
  }

  /** What a killed write left may be listed once for each member. Asks for the other parts of each blob larger than a chunk. */
  async *list(ctx: OperationContext): AsyncGenerator<BlobListing> {
    for (const member of this.members) {
      for await (const listing of member.list(ctx)) {
        const [first] = this.membersOf(listing.key);
        if (member === first) yield await this.completed(ctx, listing);
        else if (!(await isThere(first, ctx, listing.key))) yield { ...listing, isPartial: true };
      }
    }
  }

  /** Of all members; the latency is that of the slowest. */
  async health(ctx: OperationContext): Promise<DriverHealth> {
    let latencyMs = 0;
    for (const [at, health] of (await Promise.all(this.members.map((member) => member.health(ctx)))).entries()) {
      if (!health.isHealthy) return { isHealthy: false, reason: `${this.members[at]?.name ?? ''}: ${health.reason}` };
      latencyMs = Math.max(latencyMs, health.latencyMs);
    }
    return { isHealthy: true, latencyMs };
  }

  /** Closes the members too: nobody else has them. */
  async close(): Promise<void> {
    await Promise.all(this.members.map((member) => member.close()));
  }

  /** In the order of the parts of this blob. */
  private membersOf(key: BlobKey): Driver[] {
    const at = crc32(key) % this.members.length;
    return [...this.members.slice(at), ...this.members.slice(0, at)];
  }

  private async completed(ctx: OperationContext, listing: BlobListing): Promise<BlobListing> {
    if (listing.isPartial || listing.sizeBytes < this.layout.chunkBytes) return listing;
    try {
      return { ...(await this.stat(ctx, listing.key)), isPartial: false };
    } catch (error) {
      // Deleted meanwhile, or some of it lost: what there is of it is listed all the same.
      if (error instanceof DriverError && (error.kind === 'NotFound' || error.kind === 'Corrupted')) return listing;
      throw error;
    }
  }

  private maxBlobBytes(): number | undefined {
    const limits = this.members.flatMap(({ capabilities }) => capabilities.maxBlobBytes ?? []);
    if (limits.length === 0) return undefined;
    return (Math.min(...limits) - this.layout.chunkBytes) * this.members.length;
  }
}

async function isThere(member: Driver | undefined, ctx: OperationContext, key: BlobKey): Promise<boolean> {
  try {
    await member?.stat(ctx, key);
    return true;
  } catch (error) {
    if (error instanceof DriverError && error.kind === 'NotFound') return false;
    throw error;
  }
}
