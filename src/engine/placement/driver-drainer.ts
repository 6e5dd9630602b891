import { Injectable } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { Database } from '../../database/database';
import { DriverRegistry } from '../../drivers/driver.registry';
import { Placements } from './placements';
import { ReplicaMover } from './replica-mover';
import type { HeldBlobRow } from './replica-mover';
import { BLOBS_ON_DRIVER, COUNT_ON_DRIVER, COUNT_WRITING } from './replica.statements';

const BATCH_BLOBS = 4;
const NIL_UUID = '00000000-0000-0000-0000-000000000000';
/** More failures in a row than this, and the fault is not with the blobs. */
const MAX_FAILURES_IN_A_ROW = 20;
const WAIT_FOR_WRITES_MS = 1_000;

/** How far a drain has come; from there another process goes on. */
export interface DrainProgress {
  /** Blobs up to this id were looked at. */
  readonly cursor: string;
  readonly blobsMoved: number;
  readonly bytesMoved: number;
  readonly blobsFailed: number;
  /** Of the last blob that failed. */
  readonly lastError: string | null;
  /** What was on the driver when the drain began. */
  readonly blobsTotal: number;
  readonly bytesTotal: number;
}

export interface DrainOptions {
  /** Gets the blobs; undefined: the drivers of each blob's placement. */
  readonly to: string | undefined;
  readonly signal: AbortSignal;
  /** Keeps the progress; called after every few blobs. */
  readonly report: (progress: DrainProgress) => Promise<void>;
}

/** Empties a driver onto others while clients read and write. */
@Injectable()
export class DriverDrainer {
  constructor(
    private readonly database: Database,
    private readonly drivers: DriverRegistry,
    private readonly placements: Placements,
    private readonly mover: ReplicaMover,
  ) {}

  /** Names of the placements that bring new blobs to the driver: while there are any, it can't be emptied. */
  placementsOn(name: string): string[] {
    return [...this.placements.byName.values()]
      .filter(({ drivers, backup }) => drivers.includes(name) || backup.includes(name))
      .map((placement) => placement.name);
  }

  /**
   * Returns when no live blob has a copy on the driver. `before`: where a drain that was interrupted had come.
   *
   * @throws Error when blobs are left that could not be moved
   */
  async drain(name: string, before: Partial<DrainProgress>, options: DrainOptions): Promise<void> {
    this.drivers.get(name);
    if (options.to !== undefined) this.drivers.get(options.to);
    let progress = { ...(await this.total(name, before)), ...before };
    for (;;) {
      const pass = await this.pass(name, progress, options);
      progress = { ...pass.progress, cursor: NIL_UUID };
      await options.report(progress);
      if (pass.seen === 0 && !(await this.isWrittenTo(name))) return;
      if (pass.seen > 0 && pass.moved === 0) {
        throw new Error(`${pass.seen} blobs could not be moved: ${progress.lastError ?? 'others are at work on them'}`);
      }
      if (pass.seen === 0) await delay(WAIT_FOR_WRITES_MS, undefined, { signal: options.signal });
    }
  }

  private async pass(
    name: string,
    from: DrainProgress,
    options: DrainOptions,
  ): Promise<{ readonly progress: DrainProgress; readonly seen: number; readonly moved: number }> {
    let progress = from;
    let [seen, moved, failedInARow] = [0, 0, 0];
    for (;;) {
      options.signal.throwIfAborted();
      const rows = await this.database.query<HeldBlobRow & Readonly<Record<string, unknown>>>(BLOBS_ON_DRIVER, [
        name,
        progress.cursor,
        BATCH_BLOBS,
      ]);
      const last = rows.at(-1);
      if (last === undefined) return { progress, seen, moved };
      const outcomes = await Promise.all(rows.map((row) => this.move(name, row, options)));
      options.signal.throwIfAborted();
      for (const [index, outcome] of outcomes.entries()) {
        const isMoved = outcome === true;
        seen += 1;
        moved += isMoved ? 1 : 0;
        failedInARow = typeof outcome === 'string' ? failedInARow + 1 : 0;
        progress = {
          ...progress,
          cursor: last.id,
          blobsMoved: progress.blobsMoved + (isMoved ? 1 : 0),
          bytesMoved: progress.bytesMoved + (isMoved ? Number(rows[index]?.size_bytes ?? 0) : 0),
          blobsFailed: progress.blobsFailed + (typeof outcome === 'string' ? 1 : 0),
          lastError: typeof outcome === 'string' ? outcome : progress.lastError,
        };
      }
      await options.report(progress);
      if (failedInARow > MAX_FAILURES_IN_A_ROW) throw new Error(`too many blobs fail: ${progress.lastError ?? ''}`);
    }
  }

  /** The reason where it failed. */
  private async move(name: string, row: HeldBlobRow, { to, signal }: DrainOptions): Promise<boolean | string> {
    const placement = this.placements.ofBlob(row.placement);
    if (to !== undefined && !this.placements.allows(placement, to)) {
      return `the placement ${placement.name} stays on drivers with the label ${placement.residency}, which ${to} has not`;
    }
    try {
      const [targets, copies] = to === undefined ? [placement.drivers, placement.copies] : [[to], 1];
      return await this.mover.moveOff(name, row, targets, copies, signal);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  private async total(name: string, before: Partial<DrainProgress>): Promise<DrainProgress> {
    const nothing = { cursor: NIL_UUID, blobsMoved: 0, bytesMoved: 0, blobsFailed: 0, lastError: null };
    if (before.blobsTotal !== undefined) return { ...nothing, blobsTotal: before.blobsTotal, bytesTotal: 0 };
    const [row] = await this.database.query<{ blobs: number; bytes: string }>(COUNT_ON_DRIVER, [name]);
    return { ...nothing, blobsTotal: row?.blobs ?? 0, bytesTotal: Number(row?.bytes ?? 0) };
  }

  private async isWrittenTo(name: string): Promise<boolean> {
    const [row] = await this.database.query<{ count: number }>(COUNT_WRITING, [name]);
    return (row?.count ?? 0) > 0;
  }
}
