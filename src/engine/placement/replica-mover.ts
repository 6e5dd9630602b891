import { Injectable } from '@nestjs/common';
import { blobId, tenantId } from '../../context/ids';
import type { BlobId } from '../../context/ids';
import { systemContext } from '../../context/operation-context';
import type { OperationContext } from '../../context/operation-context';
import { Database } from '../../database/database';
import { DriverError } from '../../drivers/driver.errors';
import { DriverRegistry } from '../../drivers/driver.registry';
import { GatewayInstance } from '../gateway-instance';
import { Placements } from './placements';
import type { Placement } from './placements';
import { ReplicaCopier } from './replica-copier';
import type { LiveBlob } from './replica-copier';
import {
  CLAIM_NEW_REPLICA,
  DOOM_REPLICA,
  LIVE_REPLICAS,
  LOCK_LIVE_BLOB,
  REPLACE_FIRST,
  REPLICA_FAILED,
  REPLICA_MADE,
  SET_PLACEMENT,
} from './replica.statements';

/** A live blob with a copy on a driver, as `BLOBS_ON_DRIVER` finds it. */
export interface HeldBlobRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly size_bytes: string;
  readonly md5: Buffer | null;
  readonly placement: string | null;
  readonly first_driver: string;
  /** Of the copy on the driver that was asked for. */
  readonly state: 'pending' | 'live' | 'missing' | 'corrupt';
}

export function liveBlobOf(row: HeldBlobRow): LiveBlob {
  return { id: blobId(row.id), sizeBytes: Number(row.size_bytes), md5: row.md5 };
}

/** Moves copies of live blobs between drivers, while clients read and write. */
@Injectable()
export class ReplicaMover {
  constructor(
    private readonly database: Database,
    private readonly instance: GatewayInstance,
    private readonly drivers: DriverRegistry,
    private readonly placements: Placements,
    private readonly copier: ReplicaCopier,
  ) {}

  /**
   * Takes a blob off a driver: first to as many of `targets` as `copies` says, then its copy is removed, after every read
   * that began before. What is on a target already counts. False: the blob is gone, or somebody else is at it now.
   *
   * Rejects with a `DriverError` when the copies can't be made.
   */
  async moveOff(
    from: string,
    row: HeldBlobRow,
    targets: readonly string[],
    copies: number,
    signal: AbortSignal,
  ): Promise<boolean> {
    const others = targets.filter((name) => name !== from);
    const isHeld = (await this.bringTo(row, others, copies, signal)) !== undefined;
    return isHeld && this.retire(blobId(row.id), from);
  }

  /**
   * Gives a blob another placement: copies on its drivers, those of its backups to be made by repair, and the others are
   * removed. False and rejections: see {@link moveOff}.
   */
  async moveTo(placement: Placement, row: HeldBlobRow, signal: AbortSignal): Promise<boolean> {
    const holders = await this.bringTo(row, placement.drivers, placement.copies, signal);
    if (holders === undefined) return false;
    await this.database.query(SET_PLACEMENT, [row.id, placement.name, placement.backup]);
    const stays = new Set([...placement.drivers, ...placement.backup]);
    for (const name of holders) if (!stays.has(name)) await this.retire(blobId(row.id), name);
    return true;
  }

  /** The drivers that held it before; undefined where it is gone, or somebody else is at it. */
  private async bringTo(
    row: HeldBlobRow,
    targets: readonly string[],
    copies: number,
    signal: AbortSignal,
  ): Promise<ReadonlySet<string> | undefined> {
    const blob = liveBlobOf(row);
    const ctx = systemContext('MoveReplica', tenantId(row.tenant_id), signal);
    const live = await this.database.query<{ driver: string }>(LIVE_REPLICAS, [blob.id]);
    const holders = new Set([row.first_driver, ...live.map(({ driver }) => driver)]);
    let missing = copies - targets.filter((name) => holders.has(name)).length;
    for (const target of targets) {
      if (missing <= 0) break;
      if (holders.has(target)) continue;
      if (!(await this.copyTo(ctx, blob, target, row.first_driver))) return undefined;
      missing -= 1;
    }
    if (missing > 0) throw new DriverError('Unsupported', `there is no other driver for blob ${blob.id}; name one`);
    return holders;
  }

  private async copyTo(ctx: OperationContext, blob: LiveBlob, target: string, first: string): Promise<boolean> {
    const claim = [blob.id, target, this.instance.id];
    if ((await this.database.query(CLAIM_NEW_REPLICA, claim)).length === 0) return false;
    try {
      await this.copier.copy(ctx, blob, target);
    } catch (error) {
      await this.database.query(REPLICA_FAILED, [...claim, error instanceof Error ? error.message : String(error)]);
      throw error;
    }
    const isFirst = this.placements.readRank(target) < this.placements.readRank(first);
    const [made] = await this.database.query<{ is_wanted: boolean }>(REPLICA_MADE, [...claim, isFirst]);
    if (made?.is_wanted === true) return true;
    await this.copier.discard(ctx, blob.id, target, this.instance.id);
    return false;
  }

  /** False when it is the only copy, or the blob is gone. */
  private retire(id: BlobId, from: string): Promise<boolean> {
    return this.database.transaction(async (tx) => {
      const [blob] = await tx.query<{ driver: string }>(LOCK_LIVE_BLOB, [id]);
      if (blob === undefined) return false;
      if (blob.driver !== from) {
        await tx.query(DOOM_REPLICA, [id, from]);
        return true;
      }
      const others = await tx.query<{ driver: string }>(LIVE_REPLICAS, [id]);
      const [next] = others
        .map(({ driver }) => driver)
        .sort((a, b) => this.placements.readRank(a) - this.placements.readRank(b));
      if (next === undefined) return false;
      await tx.query(REPLACE_FIRST, [id, next, from]);
      return true;
    });
  }
}
