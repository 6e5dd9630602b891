import { Injectable, Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Readable } from 'node:stream';
import { blobKey } from '../../context/ids';
import type { BlobId } from '../../context/ids';
import { detach } from '../../context/operation-context';
import type { OperationContext } from '../../context/operation-context';
import { Database } from '../../database/database';
import type { Driver, ReadOptions } from '../../drivers/driver';
import { DriverError } from '../../drivers/driver.errors';
import { DriverRegistry } from '../../drivers/driver.registry';
import { ResumingBody } from '../../drivers/resuming-body';
import type { ResolvedRange } from '../artifacts/byte-range';
import { createDigest } from '../blobs/digests';
import { combinedError, lossOf } from './combined-error';
import { digestOf, FailoverCheck } from './failover-check';
import { Placements } from './placements';
import { FIND_REPLICAS, MARK_REPLICA } from './replica.statements';

/** Blobs of which another copy than the first is read for a while, in one process. */
const MAX_DETOURS = 10_000;
const DETOUR_MS = 30_000;
/** For reading all copies of a blob whole, to find out which of them is damaged. */
const FIND_DAMAGED_MS = 3_600_000;
const READ_CHUNK_BYTES = 256 * 1024;

/** A blob as the row says that holds it. `driver`: where it is believed to be; it may have been moved since. */
export interface WantedBlob {
  readonly id: BlobId;
  readonly driver: string;
  readonly sizeBytes: number;
}

interface ReplicaRow {
  readonly driver: string;
  readonly state: 'live' | 'pending';
  readonly size_bytes: string | null;
  readonly md5: Buffer | null;
}

type Failures = Map<string, unknown>;

/**
 * Reads blobs from the drivers that hold them. The first is asked as the row names it; only where that fails, PostgreSQL is
 * asked for the others, which then take turns, also in the middle of a body. A copy that turns out to be lost is marked for repair.
 */
@Injectable()
export class ReplicaReader {
  private readonly logger = new Logger(ReplicaReader.name);
  private readonly detours = new LRUCache<BlobId, string>({ max: MAX_DETOURS, ttl: DETOUR_MS });
  /** With a single driver there is nowhere to go on: bodies are handed out as they come. */
  private readonly hasOthers: boolean;

  constructor(
    private readonly database: Database,
    private readonly drivers: DriverRegistry,
    private readonly placements: Placements,
  ) {
    this.hasOthers = drivers.all().length > 1;
  }

  /**
   * The bytes of `range`, or all. Rejects before a stream is returned when no driver can give them now: with `Unavailable`
   * where one that may have them is out of reach.
   */
  async open(ctx: OperationContext, blob: WantedBlob, range: ResolvedRange | undefined): Promise<Readable> {
    if (!this.hasOthers) return this.openOn(ctx, blob, blob.driver, range);
    const detour = this.detours.size === 0 ? undefined : this.detours.get(blob.id);
    const failures: Failures = new Map();
    const first = detour ?? blob.driver;
    const start = range?.start ?? 0;
    const end = range?.end ?? blob.sizeBytes - 1;
    const mayHaveCopies = this.placements.mayHaveCopies(blob.driver);
    let current = first;
    let body: Readable;
    /** Copies that large bodies were put together of, besides the first. */
    let alsoRead: readonly string[] = [];
    const alsoOn = async (): Promise<readonly Driver[]> => {
      const others = await this.others(blob, first);
      alsoRead = others.map(({ name }) => name);
      return others;
    };
    try {
      body = await this.openOn(ctx, blob, first, range, mayHaveCopies ? { alsoOn } : undefined);
    } catch (error) {
      ({ driver: current, body } = await this.openOther(ctx, blob, range, failures.set(first, error)));
    }
    const check = range === undefined && mayHaveCopies ? this.check(ctx, blob) : undefined;
    const resume = async (receivedBytes: number, error: Error): Promise<Readable> => {
      failures.set(current, error);
      if (receivedBytes > 0 && lossOf(error) === 'corrupt') {
        // What was handed on may be wrong already. Who tries again is given another copy.
        if (current !== first || alsoRead.length === 0) this.mark(blob, failures);
        else void this.findDamaged(detach(ctx, FIND_DAMAGED_MS), blob, [first, ...alsoRead]);
        if (!this.placements.mayHaveCopies(current)) throw error;
        throw new DriverError('Unavailable', `blob ${blob.id} turned out to be damaged on ${current}`, {
          cause: error,
        });
      }
      const rest = receivedBytes === 0 ? range : { start: start + receivedBytes, end };
      const next = await this.openOther(ctx, blob, rest, failures);
      if (receivedBytes > 0 && next.md5 !== null) check?.wentOn(current, next.driver, next.md5);
      current = next.driver;
      return next.body;
    };
    return new ResumingBody(body, end - start + 1, ctx.signal, resume, check);
  }

  private check(ctx: OperationContext, blob: WantedBlob): FailoverCheck {
    return new FailoverCheck(
      blob.sizeBytes,
      async (driver, positions) => digestOf(await this.openOn(ctx, blob, driver, undefined), positions),
      (driver, error) => {
        this.mark(blob, new Map([[driver, error]]));
      },
    );
  }

  private async openOn(
    ctx: OperationContext,
    { id, sizeBytes }: WantedBlob,
    driver: string,
    range: ResolvedRange | undefined,
    options?: ReadOptions,
  ): Promise<Readable> {
    const { stat, body } = await this.drivers.get(driver).read(ctx, blobKey(ctx.tenantId, id), range, options);
    if (stat.sizeBytes === sizeBytes) return body;
    body.destroy();
    throw new DriverError('Corrupted', `blob ${id} on ${driver} has not the size that was stored`);
  }

  /** Drivers besides `first` that hold the blob, and are not for backups alone. */
  private async others(blob: WantedBlob, first: string): Promise<readonly Driver[]> {
    const rows = await this.database.read<ReplicaRow & Readonly<Record<string, unknown>>>(FIND_REPLICAS, [blob.id]);
    return rows
      .filter(({ driver, state }) => driver !== first && state === 'live' && this.placements.isReadFrom(driver))
      .map(({ driver }) => this.drivers.get(driver))
      .filter((driver) => driver.isAvailable());
  }

  /** Which of the copies that a wrong body was put together of are to be made again. Never rejects. */
  private async findDamaged(ctx: OperationContext, blob: WantedBlob, drivers: readonly string[]): Promise<void> {
    try {
      const [row] = await this.database.read<ReplicaRow & Readonly<Record<string, unknown>>>(FIND_REPLICAS, [blob.id]);
      if (row === undefined || row.md5 === null) return;
      for (const driver of drivers) {
        const failure = await this.openOn(ctx, blob, driver, undefined)
          .then((body) => digestOf(body, []))
          .then(({ md5 }) => (row.md5?.equals(md5) === true ? undefined : corrupt(blob, driver)))
          .catch((error: unknown) => error);
        if (failure !== undefined) this.mark(blob, new Map([[driver, failure]]));
      }
    } catch (error) {
      this.logger.warn(`blob ${blob.id} is damaged somewhere, and was not compared: ${String(error)}`);
    }
  }

  /** The next copy that can be read, those that have failed left out. */
  private async openOther(
    ctx: OperationContext,
    blob: WantedBlob,
    range: ResolvedRange | undefined,
    failures: Failures,
  ): Promise<{ readonly driver: string; readonly body: Readable; readonly md5: Buffer | null }> {
    const [first] = failures.values();
    if (first instanceof DriverError && first.kind === 'Aborted') throw first;
    const rows = await this.database.read<ReplicaRow & Readonly<Record<string, unknown>>>(FIND_REPLICAS, [blob.id]);
    for (const { driver, md5 } of this.inOrder(rows, failures)) {
      try {
        const body = await this.openOn(ctx, blob, driver, range);
        this.detours.set(blob.id, driver);
        this.mark(blob, failures);
        const isWhole = range === undefined;
        return { driver, md5, body: isWhole && md5 !== null ? this.verified(blob, driver, body, md5) : body };
      } catch (error) {
        failures.set(driver, error);
        if (error instanceof DriverError && error.kind === 'Aborted') throw error;
      }
    }
    this.detours.delete(blob.id);
    // Alone, the driver's own word is the best: nothing else is known.
    if (failures.size === 1) throw asError(first);
    throw combinedError('read', [...failures.values()]);
  }

  private inOrder(rows: readonly ReplicaRow[], failures: Failures): ReplicaRow[] {
    const rank = ({ driver, state }: ReplicaRow): number =>
      this.placements.readRank(driver) + (state === 'live' ? 0 : Number.MAX_SAFE_INTEGER / 2);
    return rows.filter(({ driver }) => !failures.has(driver)).sort((a, b) => rank(a) - rank(b));
  }

  /** The body of a copy that stands in for another, with its digest checked before the last piece is handed on. */
  private verified(blob: WantedBlob, driver: string, body: Readable, md5: Buffer): Readable {
    const checked = async function* (this: ReplicaReader): AsyncGenerator<Uint8Array> {
      const digest = createDigest('md5');
      let held: Uint8Array | undefined;
      for await (const chunk of body) {
        if (!(chunk instanceof Uint8Array)) continue;
        digest.update(chunk);
        if (held !== undefined) yield held;
        held = chunk;
      }
      if (!digest.digest().equals(md5)) {
        throw corrupt(blob, driver);
      }
      if (held !== undefined) yield held;
    };
    return Readable.from(checked.call(this), { objectMode: false, highWaterMark: READ_CHUNK_BYTES });
  }

  /** Not awaited: the reader has its bytes. */
  private mark({ id }: WantedBlob, failures: Failures): void {
    for (const [driver, error] of failures) {
      const state = lossOf(error);
      if (state === undefined) continue;
      if (this.detours.peek(id) === driver) this.detours.delete(id);
      this.database.query<{ is_marked: boolean }>(MARK_REPLICA, [id, driver, state]).then(
        // Not of a copy that was moved since the row was read.
        ([row]) => {
          if (row?.is_marked === true) this.logger.warn(`blob ${id} is ${state} on ${driver}`);
        },
        (reason: unknown) => {
          this.logger.warn(`blob ${id} on ${driver} could not be marked: ${String(reason)}`);
        },
      );
    }
  }
}

function corrupt({ id }: WantedBlob, driver: string): DriverError {
  return new DriverError('Corrupted', `blob ${id} on ${driver} has not the digest that was stored`);
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('a read failed', { cause: error });
}
