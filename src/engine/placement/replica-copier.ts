import { Injectable } from '@nestjs/common';
import { blobKey } from '../../context/ids';
import type { BlobId } from '../../context/ids';
import type { OperationContext } from '../../context/operation-context';
import { Database } from '../../database/database';
import type { BlobSource, Driver } from '../../drivers/driver';
import { DriverError } from '../../drivers/driver.errors';
import { DriverRegistry } from '../../drivers/driver.registry';
import { createDigest } from '../blobs/digests';
import { combinedError, lossOf } from './combined-error';
import { Placements } from './placements';
import { FIND_REPLICAS, LIVE_REPLICAS, LOCK_LIVE_BLOB, MARK_REPLICA, REPLICA_FAILED } from './replica.statements';

/** A blob that is live, as its row has it. */
export interface LiveBlob {
  readonly id: BlobId;
  readonly sizeBytes: number;
  /** Null: not known, and only the size is compared. */
  readonly md5: Buffer | null;
}

/** Slows a reader down: resolves when so many more bytes may be read. */
export type Pace = (bytes: number) => Promise<void> | void;

interface SourceRow {
  readonly driver: string;
  readonly state: 'live' | 'pending';
}

/** Makes copies of blobs from other copies, and compares copies with what was stored. */
@Injectable()
export class ReplicaCopier {
  constructor(
    private readonly database: Database,
    private readonly drivers: DriverRegistry,
    private readonly placements: Placements,
  ) {}

  /**
   * Brings the bytes of `blob` to `target`, from whichever other copy can be read; what arrives has the digest that was stored.
   * What is there already stays if it is whole.
   *
   * Rejects with a `DriverError`; then nothing new is on the target.
   */
  async copy(ctx: OperationContext, blob: LiveBlob, target: string): Promise<void> {
    const driver = this.drivers.get(target);
    const rows = await this.database.query<SourceRow & Readonly<Record<string, unknown>>>(FIND_REPLICAS, [blob.id]);
    const sources = rows
      .filter(({ driver: name, state }) => name !== target && state === 'live')
      .sort((a, b) => this.placements.readRank(a.driver) - this.placements.readRank(b.driver));
    const failures: unknown[] = [];
    for (const source of sources) {
      const reading = this.reading(ctx, blob, source.driver);
      try {
        await this.write(ctx, blob, driver, reading);
        return;
      } catch (error) {
        // The target's own failure will be the same with every source.
        if (reading.failure === undefined) throw error;
        failures.push(reading.failure.error);
        await this.mark(blob, source.driver, reading.failure.error);
      }
    }
    throw failures.length === 0
      ? new DriverError('Unavailable', `there is no whole copy of blob ${blob.id} to make another from`)
      : combinedError('read', failures);
  }

  /** What is wrong with the copy on `name`; undefined: nothing. Rejects when that can't be told now. */
  async check(
    ctx: OperationContext,
    blob: LiveBlob,
    name: string,
    pace: Pace = () => undefined,
  ): Promise<'missing' | 'corrupt' | undefined> {
    try {
      for await (const chunk of this.bytesOf(ctx, blob, name)) {
        const wait = pace(chunk.byteLength);
        if (wait !== undefined) await wait;
      }
      return undefined;
    } catch (error) {
      const loss = lossOf(error);
      if (loss === undefined) throw error;
      return loss;
    }
  }

  /** Takes a copy that turned out to be lost out of use, if there is another. */
  async mark({ id }: LiveBlob, driver: string, error: unknown): Promise<boolean> {
    const state = lossOf(error);
    if (state === undefined) return false;
    return this.markAs(id, driver, state);
  }

  async markAs(id: BlobId, driver: string, state: 'missing' | 'corrupt'): Promise<boolean> {
    const [row] = await this.database.query<{ is_marked: boolean }>(MARK_REPLICA, [id, driver, state]);
    return row?.is_marked === true;
  }

  /** Removes a copy that nobody wants any more, and gives up the claim on it of the process `instance`, which holds back the sweeper. */
  async discard(ctx: OperationContext, id: BlobId, driver: string, instance: string): Promise<void> {
    try {
      await this.drivers.get(driver).delete(ctx, blobKey(ctx.tenantId, id));
    } finally {
      await this.database.query(REPLICA_FAILED, [id, driver, instance, 'the blob was deleted meanwhile']);
    }
  }

  /** Whether the copy on `driver` still is said to be whole. */
  async isHeld(id: BlobId, driver: string): Promise<boolean> {
    const [blob] = await this.database.query<{ driver: string }>(LOCK_LIVE_BLOB, [id]);
    if (blob === undefined) return false;
    const others = await this.database.query<{ driver: string }>(LIVE_REPLICAS, [id]);
    return [blob, ...others].some((row) => row.driver === driver);
  }

  private async write(ctx: OperationContext, blob: LiveBlob, target: Driver, source: Reading): Promise<void> {
    const key = blobKey(ctx.tenantId, blob.id);
    try {
      await target.write(ctx, key, source, { sizeBytes: blob.sizeBytes });
    } catch (error) {
      if (!(error instanceof DriverError) || error.kind !== 'AlreadyExists') throw error;
      // From an attempt whose end nobody saw, or the copy that went bad.
      if ((await this.check(ctx, blob, target.name)) === undefined) return;
      await target.delete(ctx, key);
      await target.write(ctx, key, source.again(), { sizeBytes: blob.sizeBytes });
    }
  }

  private reading(ctx: OperationContext, blob: LiveBlob, driver: string): Reading {
    return new Reading(() => this.bytesOf(ctx, blob, driver));
  }

  /** Throws `Corrupted` in place of the end when the bytes are not those that were stored. */
  private async *bytesOf(ctx: OperationContext, blob: LiveBlob, name: string): AsyncGenerator<Uint8Array> {
    const { body } = await this.drivers.get(name).read(ctx, blobKey(ctx.tenantId, blob.id));
    const digest = createDigest('md5');
    let sizeBytes = 0;
    try {
      for await (const chunk of body) {
        if (!(chunk instanceof Uint8Array)) continue;
        digest.update(chunk);
        sizeBytes += chunk.byteLength;
        yield chunk;
      }
    } finally {
      body.destroy();
    }
    const isSame = sizeBytes === blob.sizeBytes && (blob.md5 === null || digest.digest().equals(blob.md5));
    if (!isSame) throw new DriverError('Corrupted', `blob ${blob.id} on ${name} is not what was stored`);
  }
}

/** A source that remembers its own failure, to be told from the target's. */
class Reading implements BlobSource {
  failure: { readonly error: unknown } | undefined;

  constructor(private readonly open: () => AsyncGenerator<Uint8Array>) {}

  /** The bytes from the beginning. */
  again(): this {
    this.failure = undefined;
    return this;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      yield* this.open();
    } catch (error) {
      this.failure = { error };
      throw error;
    }
  }
}
