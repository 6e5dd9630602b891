import type { TenantId } from '../../src/context/ids';
import type { OperationContext } from '../../src/context/operation-context';
import type { BlobListing, Driver } from '../../src/drivers/driver';
import { DriverError } from '../../src/drivers/driver.errors';
import type { DriverErrorKind } from '../../src/drivers/driver.errors';

/** A system's call for a tenant. */
export function contextOf(tenant: TenantId, signal: AbortSignal = new AbortController().signal): OperationContext {
  return {
    requestId: 'conformance',
    operation: 'Conformance',
    tenantId: tenant,
    principal: { kind: 'system', job: 'conformance' },
    signal,
    quota: undefined,
    deadlineMs: undefined,
    observer: undefined,
  };
}

/** Yields the chunks from one buffer that it overwrites after each, as a producer that reuses its memory does. */
export async function* sourceOf(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  const slot = new Uint8Array(Math.max(0, ...chunks.map((chunk) => chunk.length)));
  for (const chunk of chunks) {
    slot.set(chunk);
    yield await Promise.resolve(slot.subarray(0, chunk.length));
    slot.fill(0xee);
  }
}

/** A source that says when it is asked for a chunk that never comes, and when it was told to stop. */
export class StalledSource implements AsyncIterable<Uint8Array> {
  readonly stalled: Promise<void>;
  isReturned = false;
  private reportStalled: () => void = () => undefined;
  private readonly queue: Uint8Array[];

  constructor(...chunks: readonly Uint8Array[]) {
    this.queue = [...chunks];
    this.stalled = new Promise((resolve) => {
      this.reportStalled = resolve;
    });
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: () => {
        const value = this.queue.shift();
        if (value !== undefined) return Promise.resolve({ done: false, value });
        this.reportStalled();
        return new Promise<never>(() => undefined);
      },
      return: () => {
        this.isReturned = true;
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }
}

/** How a call failed. Rejects with what is no error of a driver. */
export async function kindOf(promise: Promise<unknown>): Promise<DriverErrorKind | 'no error'> {
  try {
    await promise;
    return 'no error';
  } catch (error) {
    if (error instanceof DriverError) return error.kind;
    throw error;
  }
}

/** All that a body holds. */
export async function bytesOf(body: AsyncIterable<unknown>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of body) if (piece instanceof Uint8Array) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** A listing to its end. */
export async function listingsOf(driver: Driver, ctx: OperationContext): Promise<BlobListing[]> {
  const listings: BlobListing[] = [];
  for await (const listing of driver.list(ctx)) listings.push(listing);
  return listings;
}

export const MIB = 1024 * 1024;
