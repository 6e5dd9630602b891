import { Injectable } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { tenantId } from '../../context/ids';
import { systemContext } from '../../context/operation-context';
import { Database } from '../../database/database';
import { DriverRegistry } from '../../drivers/driver.registry';
import { ReplicaCopier } from './replica-copier';
import { liveBlobOf } from './replica-mover';
import type { HeldBlobRow } from './replica-mover';
import { BLOBS_ON_DRIVER } from './replica.statements';

const BATCH_BLOBS = 50;
const NIL_UUID = '00000000-0000-0000-0000-000000000000';
const MAX_LISTED = 100;

/** How far a check has come; from there another process goes on. */
export interface VerifyProgress {
  /** Blobs up to this id were looked at. */
  readonly cursor: string;
  readonly blobsChecked: number;
  readonly bytesChecked: number;
  readonly blobsMissing: number;
  readonly blobsCorrupt: number;
  /** Missing or corrupt, and there is no other copy to make one from: their ids, the first hundred. */
  readonly lostBlobIds: readonly string[];
}

export interface VerifyOptions {
  /** Read no faster; undefined: as fast as the driver gives them. */
  readonly bytesPerSecond: number | undefined;
  readonly signal: AbortSignal;
  /** Keeps the progress; called after every blob. */
  readonly report: (progress: VerifyProgress) => Promise<void>;
}

/** Reads all that a driver holds and compares digests with what was stored. What is wrong is made again from another copy. */
@Injectable()
export class DriverVerifier {
  constructor(
    private readonly database: Database,
    private readonly drivers: DriverRegistry,
    private readonly copier: ReplicaCopier,
  ) {}

  /**
   * Returns when every blob was looked at that was there at the beginning. `before`: where a check that was interrupted had
   * come.
   *
   * @throws Error when blobs are lost: they have no whole copy on this driver and none on another
   */
  async verify(name: string, before: Partial<VerifyProgress>, options: VerifyOptions): Promise<void> {
    this.drivers.get(name);
    const pace = paced(options);
    let progress: VerifyProgress = { ...NOTHING, ...before };
    for (;;) {
      const rows = await this.database.query<HeldBlobRow & Readonly<Record<string, unknown>>>(BLOBS_ON_DRIVER, [
        name,
        progress.cursor,
        BATCH_BLOBS,
      ]);
      for (const row of rows) {
        options.signal.throwIfAborted();
        progress = { ...progress, ...(await this.look(name, row, progress, options.signal, pace)), cursor: row.id };
        await options.report(progress);
      }
      if (rows.length < BATCH_BLOBS) break;
    }
    if (progress.lostBlobIds.length > 0) {
      throw new Error(
        `${progress.lostBlobIds.length} or more blobs have no whole copy: ${progress.lostBlobIds.join(', ')}`,
      );
    }
  }

  private async look(
    name: string,
    row: HeldBlobRow,
    progress: VerifyProgress,
    signal: AbortSignal,
    pace: (bytes: number) => Promise<void> | void,
  ): Promise<Partial<VerifyProgress>> {
    // Known to be wanting; repair is at it.
    if (row.state !== 'live') return {};
    const blob = liveBlobOf(row);
    const loss = await this.copier.check(
      systemContext('VerifyReplica', tenantId(row.tenant_id), signal),
      blob,
      name,
      pace,
    );
    const checked = {
      blobsChecked: progress.blobsChecked + 1,
      bytesChecked: progress.bytesChecked + blob.sizeBytes,
    };
    if (loss === undefined) return checked;
    const isMarked = await this.copier.markAs(blob.id, name, loss);
    // Deleted or moved while it was read is no loss.
    const isLost = !isMarked && (await this.copier.isHeld(blob.id, name));
    return {
      ...checked,
      blobsMissing: progress.blobsMissing + (loss === 'missing' && (isMarked || isLost) ? 1 : 0),
      blobsCorrupt: progress.blobsCorrupt + (loss === 'corrupt' && (isMarked || isLost) ? 1 : 0),
      lostBlobIds: isLost ? [...progress.lostBlobIds, blob.id].slice(0, MAX_LISTED) : progress.lostBlobIds,
    };
  }
}

const NOTHING: VerifyProgress = {
  cursor: NIL_UUID,
  blobsChecked: 0,
  bytesChecked: 0,
  blobsMissing: 0,
  blobsCorrupt: 0,
  lostBlobIds: [],
};

/** Waits until so many bytes are due. */
function paced({ bytesPerSecond, signal }: VerifyOptions): (bytes: number) => Promise<void> | void {
  if (bytesPerSecond === undefined) return () => undefined;
  const startedAtMs = performance.now();
  let readBytes = 0;
  return (bytes) => {
    readBytes += bytes;
    const aheadMs = (readBytes / bytesPerSecond) * 1000 - (performance.now() - startedAtMs);
    return aheadMs > 0 ? delay(aheadMs, undefined, { signal }) : undefined;
  };
}
