import type { BlobKey } from '../../context/ids';
import type { OperationContext } from '../../context/operation-context';
import { Driver } from '../driver';
import type {
  BlobListing,
  BlobRead,
  BlobSource,
  BlobStat,
  ByteRange,
  DriverCapabilities,
  DriverHealth,
  ReadOptions,
  RestoreRequest,
  WriteOptions,
} from '../driver';

/** A driver that hands every call on to another. A layer overrides what it is about. */
export abstract class WrappedDriver extends Driver {
  readonly name: string;
  readonly capabilities: DriverCapabilities;

  constructor(protected readonly inner: Driver) {
    super();
    this.name = inner.name;
    this.capabilities = inner.capabilities;
  }

  write(ctx: OperationContext, key: BlobKey, source: BlobSource, options: WriteOptions): Promise<BlobStat> {
    return this.inner.write(ctx, key, source, options);
  }

  read(ctx: OperationContext, key: BlobKey, range?: ByteRange, options?: ReadOptions): Promise<BlobRead> {
    return this.inner.read(ctx, key, range, options);
  }

  stat(ctx: OperationContext, key: BlobKey): Promise<BlobStat> {
    return this.inner.stat(ctx, key);
  }

  delete(ctx: OperationContext, key: BlobKey): Promise<void> {
    return this.inner.delete(ctx, key);
  }

  override restore(ctx: OperationContext, key: BlobKey, request: RestoreRequest): Promise<void> {
    return this.inner.restore(ctx, key, request);
  }

  list(ctx: OperationContext): AsyncIterable<BlobListing> {
    return this.inner.list(ctx);
  }

  health(ctx: OperationContext): Promise<DriverHealth> {
    return this.inner.health(ctx);
  }

  override isAvailable(): boolean {
    return this.inner.isAvailable();
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}

/** The blobs of `listing`, with each step of it made by way of `step`. */
export async function* listThrough(
  listing: AsyncIterable<BlobListing>,
  step: (next: () => Promise<IteratorResult<BlobListing, unknown>>) => Promise<IteratorResult<BlobListing, unknown>>,
): AsyncGenerator<BlobListing> {
  const iterator = listing[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await step(() => iterator.next());
      if (done === true) return;
      yield value;
    }
  } finally {
    await iterator.return?.();
  }
}
