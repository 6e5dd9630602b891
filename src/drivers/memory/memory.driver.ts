import { Readable } from 'node:stream';
import type { BlobKey } from '../../context/ids';
import type { OperationContext } from '../../context/operation-context';
import { AbortScope, abortedError, throwIfAborted } from '../abort-scope';
import { spanOf } from '../byte-range';
import type { ByteSpan } from '../byte-range';
import { consumeSource } from '../consume-source';
import { blobNameOf, tenantPrefix } from '../driver-keys';
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

interface StoredBlob {
  readonly stat: BlobStat;
  readonly chunks: readonly Uint8Array[];
}

/** Keeps blobs in the memory of one process, for tests and trials: gone at its end, and not seen by other processes. */
export class MemoryDriver extends Driver {
  readonly capabilities: DriverCapabilities = { canCopy: false, isDurable: false, maxBlobBytes: undefined };

  private readonly blobs = new Map<BlobKey, StoredBlob>();
  private usedBytes = 0;

  /** `capacityBytes`: the sum of all blobs beyond which a write rejects with `NoSpace`. */
  constructor(
    readonly name: string,
    private readonly capacityBytes = Number.MAX_SAFE_INTEGER,
  ) {
    super();
  }

  async write(ctx: OperationContext, key: BlobKey, source: BlobSource, options: WriteOptions): Promise<BlobStat> {
    blobNameOf(ctx, key);
    throwIfAborted(ctx.signal);
    this.refuseTaken(key);
    const chunks: Uint8Array[] = [];
    let reservedBytes = 0;
    const scope = new AbortScope(ctx.signal);
    try {
      const sizeBytes = await consumeSource(source, options.sizeBytes, scope, (chunk) => {
        if (this.usedBytes + chunk.byteLength > this.capacityBytes)
          throw new DriverError('NoSpace', 'the memory is full');
        this.usedBytes += chunk.byteLength;
        reservedBytes += chunk.byteLength;
        chunks.push(Uint8Array.from(chunk));
      });
      this.refuseTaken(key);
      const stat: BlobStat = { key, sizeBytes, modifiedAt: new Date() };
      this.blobs.set(key, { stat, chunks });
      reservedBytes = 0;
      return stat;
    } finally {
      this.usedBytes -= reservedBytes;
      scope.close();
    }
  }

  async read(ctx: OperationContext, key: BlobKey, range?: ByteRange): Promise<BlobRead> {
    const { stat, chunks } = await this.find(ctx, key);
    const body = Readable.from(piecesOf(chunks, spanOf(range, stat.sizeBytes)), { objectMode: false });
    const onAbort = (): void => {
      body.destroy(abortedError(ctx.signal));
    };
    ctx.signal.addEventListener('abort', onAbort, { once: true });
    body.once('close', () => {
      ctx.signal.removeEventListener('abort', onAbort);
    });
    // An abort may come before the caller listens; unheard it would end the process.
    body.on('error', () => undefined);
    return { stat, body };
  }

  async stat(ctx: OperationContext, key: BlobKey): Promise<BlobStat> {
    return (await this.find(ctx, key)).stat;
  }

  delete(ctx: OperationContext, key: BlobKey): Promise<void> {
    return settle(() => {
      blobNameOf(ctx, key);
      throwIfAborted(ctx.signal);
      this.usedBytes -= this.blobs.get(key)?.stat.sizeBytes ?? 0;
      this.blobs.delete(key);
    });
  }

  async *list(ctx: OperationContext): AsyncGenerator<BlobListing> {
    const prefix = tenantPrefix(ctx.tenantId);
    throwIfAborted(ctx.signal);
    for (const [key, { stat }] of this.blobs) {
      if (!key.startsWith(prefix)) continue;
      yield await Promise.resolve({ ...stat, isPartial: false });
      throwIfAborted(ctx.signal);
    }
  }

  health(ctx: OperationContext): Promise<DriverHealth> {
    return probeHealth(this, ctx);
  }

  close(): Promise<void> {
    this.blobs.clear();
    this.usedBytes = 0;
    return Promise.resolve();
  }

  /** The keys of all tenants. */
  keys(): readonly BlobKey[] {
    return [...this.blobs.keys()];
  }

  private find(ctx: OperationContext, key: BlobKey): Promise<StoredBlob> {
    return settle(() => {
      blobNameOf(ctx, key);
      throwIfAborted(ctx.signal);
      const blob = this.blobs.get(key);
      if (blob === undefined) throw new DriverError('NotFound', 'there is no blob under the key');
      return blob;
    });
  }

  private refuseTaken(key: BlobKey): void {
    if (this.blobs.has(key)) throw new DriverError('AlreadyExists', 'the key already holds a blob');
  }
}

/** A promise of what `action` returns or throws. */
function settle<T>(action: () => T): Promise<T> {
  return new Promise((resolve) => {
    resolve(action());
  });
}

function* piecesOf(chunks: readonly Uint8Array[], span: ByteSpan): Generator<Uint8Array> {
  let position = 0;
  for (const chunk of chunks) {
    const from = Math.max(span.start - position, 0);
    const to = Math.min(span.endExclusive - position, chunk.byteLength);
    // Copied, for a consumer may write into what it reads.
    if (from < to) yield Buffer.from(chunk.subarray(from, to));
    position += chunk.byteLength;
    if (position >= span.endExclusive) return;
  }
}
