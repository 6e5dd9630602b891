import type { BlobKey } from '../../context/ids';
import { withSignal } from '../../context/operation-context';
import type { OperationContext } from '../../context/operation-context';
import { AbortScope } from '../abort-scope';
import type { BlobSource, Driver } from '../driver';
import { DriverError } from '../driver.errors';
import { SourceReader } from '../source-reader';
import type { TransferBuffer, TransferBuffers } from '../transfer-buffers';
import { StripeLane } from './stripe-lane';
import type { StripeLayout } from './stripe-layout';

const CLEAN_UP_MS = 10_000;

/** A member's part of a write. */
interface Part {
  readonly member: Driver;
  readonly lane: StripeLane;
  /** Never rejects; false: it failed. */
  readonly done: Promise<boolean>;
}

/**
 * One write over several drivers. The part of the first ends after those of the others are durable: while it is not there, nobody
 * sees the blob, so that it is whole or not there at all. Whatever fails, nothing is left.
 */
export class StripedWrite {
  private readonly stop = new AbortController();
  private readonly scope = new AbortScope(this.stop.signal);
  private readonly parts: (Part | undefined)[] = [];
  private failure: { readonly error: unknown } | undefined;

  constructor(
    private readonly ctx: OperationContext,
    private readonly key: BlobKey,
    private readonly members: readonly Driver[],
    private readonly layout: StripeLayout,
    private readonly memory: TransferBuffers,
  ) {}

  /** Resolves to the length in bytes. */
  async run(source: BlobSource, sizeBytes: number | undefined): Promise<number> {
    const { signal } = this.ctx;
    const onAbort = (): void => {
      this.stop.abort(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    const reader = new SourceReader(source, sizeBytes, this.scope);
    try {
      this.part(0, sizeBytes);
      await this.distribute(reader, sizeBytes);
      await this.finish();
      return reader.position;
    } catch (error) {
      // Before the clean-up, which fails the parts that still go on.
      const cause = this.failure?.error ?? error;
      await this.cleanUp();
      throw cause;
    } finally {
      reader.dismiss();
      this.scope.close();
      signal.removeEventListener('abort', onAbort);
    }
  }

  private async distribute(reader: SourceReader, sizeBytes: number | undefined): Promise<void> {
    for (let chunkNumber = 0; ; chunkNumber += 1) {
      const buffer = await this.scope.guard(this.memory.take(this.layout.chunkBytes, this.stop.signal));
      const filledBytes = await this.fill(reader, buffer);
      if (filledBytes > 0) {
        const { lane } = this.part(chunkNumber % this.members.length, sizeBytes);
        await this.scope.guard(lane.put({ ...buffer, bytes: buffer.bytes.subarray(0, filledBytes) }));
      }
      if (filledBytes < this.layout.chunkBytes) break;
    }
    await reader.expectEnd();
  }

  private async fill(reader: SourceReader, buffer: TransferBuffer): Promise<number> {
    let filledBytes = 0;
    try {
      filledBytes = await reader.fill(buffer.bytes);
    } finally {
      if (filledBytes === 0) buffer.release();
    }
    return filledBytes;
  }

  private async finish(): Promise<void> {
    const [first, ...others] = this.parts;
    for (const other of others) other?.lane.end();
    await this.scope.guard(Promise.all(others.map(async (other) => other?.done)));
    first?.lane.end();
    await this.scope.guard(first?.done ?? Promise.resolve(false));
    if (this.failure !== undefined) throw new DriverError('Aborted', 'a part of the write failed');
  }

  /** Begins the write of a part when its first chunk comes. */
  private part(at: number, sizeBytes: number | undefined): Part {
    const known = this.parts[at];
    if (known !== undefined) return known;
    const member = this.members[at];
    if (member === undefined) throw new Error('there is no such member');
    const lane = new StripeLane();
    const options = { sizeBytes: sizeBytes === undefined ? undefined : this.layout.partBytes(sizeBytes, at) };
    const done = member.write(withSignal(this.ctx, this.stop.signal), this.key, lane, options).then(
      () => true,
      (error: unknown) => {
        this.failure ??= { error };
        this.stop.abort(error);
        return false;
      },
    );
    const part = { member, lane, done };
    this.parts[at] = part;
    return part;
  }

  /** Never rejects. Removes what was written; what of it is away now is found by `list` and `delete`. */
  private async cleanUp(): Promise<void> {
    this.stop.abort();
    for (const part of this.parts) part?.lane.fail(new DriverError('Aborted', 'the write was given up'));
    const ctx = withSignal(this.ctx, AbortSignal.timeout(CLEAN_UP_MS));
    await Promise.all(
      this.parts.map(async (part) => {
        if (part !== undefined && (await part.done)) await part.member.delete(ctx, this.key).catch(() => undefined);
      }),
    );
  }
}
