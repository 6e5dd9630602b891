import { Readable } from 'node:stream';
import type { BlobKey } from '../../src/context/ids';
import type { OperationContext } from '../../src/context/operation-context';
import { abortedError } from '../../src/drivers/abort-scope';
import { Driver } from '../../src/drivers/driver';
import type {
  BlobListing,
  BlobRead,
  BlobSource,
  BlobStat,
  ByteRange,
  DriverCapabilities,
  DriverHealth,
  WriteOptions,
} from '../../src/drivers/driver';
import { DriverError } from '../../src/drivers/driver.errors';
import type { DriverErrorKind } from '../../src/drivers/driver.errors';
import type { DriverLayer } from '../../src/drivers/layers/compose-layers';

export type FaultyMethod = 'write' | 'read' | 'stat' | 'delete' | 'list';

/**
 * What goes wrong with one call. `fail`: before the backend is asked. `delay`: until the promise resolves. `stall`: until the
 * call is aborted. `break`: the body of a write or a read ends with the kind after so many bytes.
 */
export type Fault =
  | { readonly do: 'fail'; readonly kind: DriverErrorKind }
  | { readonly do: 'delay'; readonly until: Promise<unknown> }
  | { readonly do: 'stall' }
  | { readonly do: 'break'; readonly afterBytes: number; readonly kind: DriverErrorKind };

/** Says for each call whether something goes wrong with it. */
export type FaultPlan = (method: FaultyMethod, key: BlobKey | undefined) => Fault | undefined;

/** A backend that fails as a test wants it to. */
export function faultLayer(plan: FaultPlan): DriverLayer {
  return (inner) => new FaultyDriver(inner, plan);
}

class FaultyDriver extends Driver {
  readonly name: string;
  readonly capabilities: DriverCapabilities;

  constructor(
    private readonly inner: Driver,
    private readonly plan: FaultPlan,
  ) {
    super();
    this.name = inner.name;
    this.capabilities = inner.capabilities;
  }

  async write(ctx: OperationContext, key: BlobKey, source: BlobSource, options: WriteOptions): Promise<BlobStat> {
    const fault = this.plan('write', key);
    if (fault?.do === 'break')
      return this.inner.write(ctx, key, breaking(source, fault.afterBytes, fault.kind), options);
    await suffer(ctx, fault);
    return this.inner.write(ctx, key, source, options);
  }

  async read(ctx: OperationContext, key: BlobKey, range?: ByteRange): Promise<BlobRead> {
    const fault = this.plan('read', key);
    if (fault?.do !== 'break') {
      await suffer(ctx, fault);
      return this.inner.read(ctx, key, range);
    }
    const { stat, body } = await this.inner.read(ctx, key, range);
    return { stat, body: Readable.from(breaking(body, fault.afterBytes, fault.kind), { objectMode: false }) };
  }

  async stat(ctx: OperationContext, key: BlobKey): Promise<BlobStat> {
    await suffer(ctx, this.plan('stat', key));
    return this.inner.stat(ctx, key);
  }

  async delete(ctx: OperationContext, key: BlobKey): Promise<void> {
    await suffer(ctx, this.plan('delete', key));
    await this.inner.delete(ctx, key);
  }

  async *list(ctx: OperationContext): AsyncGenerator<BlobListing> {
    await suffer(ctx, this.plan('list', undefined));
    yield* this.inner.list(ctx);
  }

  health(ctx: OperationContext): Promise<DriverHealth> {
    return this.inner.health(ctx);
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}

async function suffer(ctx: OperationContext, fault: Fault | undefined): Promise<void> {
  switch (fault?.do) {
    case undefined:
      return;
    case 'fail':
    case 'break':
      throw injected(fault.kind);
    case 'delay':
      await fault.until;
      return;
    case 'stall':
      return new Promise((_, reject) => {
        const onAbort = (): void => {
          reject(abortedError(ctx.signal));
        };
        if (ctx.signal.aborted) onAbort();
        else ctx.signal.addEventListener('abort', onAbort, { once: true });
      });
  }
}

async function* breaking(
  source: AsyncIterable<unknown>,
  afterBytes: number,
  kind: DriverErrorKind,
): AsyncGenerator<Uint8Array> {
  let leftBytes = afterBytes;
  for await (const chunk of source) {
    if (!(chunk instanceof Uint8Array)) continue;
    if (chunk.length >= leftBytes) {
      yield chunk.subarray(0, leftBytes);
      throw injected(kind);
    }
    leftBytes -= chunk.length;
    yield chunk;
  }
}

function injected(kind: DriverErrorKind): DriverError {
  return new DriverError(kind, 'injected fault');
}
