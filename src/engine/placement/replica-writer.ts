import { Injectable } from '@nestjs/common';
import { VaultaireConfig } from '../../config/vaultaire-config';
import { blobKey } from '../../context/ids';
import type { BlobId } from '../../context/ids';
import type { OperationContext } from '../../context/operation-context';
import { Database } from '../../database/database';
import type { BlobSource, Driver } from '../../drivers/driver';
import { DriverRegistry } from '../../drivers/driver.registry';
import { INTEND_BLOB } from '../blobs/blob.statements';
import { GatewayInstance } from '../gateway-instance';
import { writeMirrored } from './mirrored-write';
import type { Placement } from './placements';
import { ADOPT_SPARE, INTEND_REPLICAS, SETTLE_REPLICAS } from './replica.statements';

/** The drivers of one write. */
export interface WritePlan {
  readonly placement: Placement;
  /** Gets the bytes first; the intent names it. */
  readonly first: Driver;
  /** Get them at the same time. */
  readonly mirrors: readonly Driver[];
  /** Take the place of one that fails. */
  readonly spares: readonly Driver[];
}

/** Writes blobs to the drivers of their placement, and keeps record of which of them has the bytes. */
@Injectable()
export class ReplicaWriter {
  /** Plans of placements on one driver: nothing is to be chosen. */
  private readonly simple = new WeakMap<Placement, WritePlan>();
  private readonly slowMs: number;

  constructor(
    private readonly database: Database,
    private readonly instance: GatewayInstance,
    private readonly drivers: DriverRegistry,
    config: VaultaireConfig,
  ) {
    this.slowMs = config.engine.slowCopySeconds * 1000;
  }

  /** The drivers to write to now: the preferred ones that are not cut off, and only then those that are. */
  plan(placement: Placement): WritePlan {
    const simple = this.simple.get(placement);
    if (simple !== undefined) return simple;
    const all = placement.drivers.map((name) => this.drivers.get(name));
    const [first, ...others] =
      all.length === 1
        ? all
        : [...all.filter((driver) => driver.isAvailable()), ...all.filter((driver) => !driver.isAvailable())];
    if (first === undefined) throw new Error(`the placement ${placement.name} has no driver`);
    const mirrors = others.slice(0, placement.copies - 1);
    const plan = { placement, first, mirrors, spares: others.slice(mirrors.length) };
    if (all.length === 1) this.simple.set(placement, plan);
    return plan;
  }

  /** Says durably enough where bytes are going to be, before the first is written; see `INTEND_BLOB`. */
  async intend(ctx: OperationContext, id: BlobId, { placement, first, mirrors }: WritePlan): Promise<void> {
    const values = [id, ctx.tenantId, first.name, this.instance.id, placement.name];
    if (mirrors.length === 0 && placement.backup.length === 0) {
      await this.database.query(INTEND_BLOB, values);
      return;
    }
    const others = [...mirrors.map(({ name }) => name), ...placement.backup];
    await this.database.query(INTEND_REPLICAS, [...values, others]);
  }

  /**
   * Brings the bytes to as many drivers as the placement wants, at least its quorum. What is missing then is made by repair.
   *
   * Rejects with the source's own error, or with a `DriverError` of all drivers together; then nothing was acknowledged.
   */
  async write(
    ctx: OperationContext,
    id: BlobId,
    plan: WritePlan,
    source: BlobSource,
    sizeBytes: number | undefined,
  ): Promise<void> {
    const { placement, first, mirrors, spares } = plan;
    const key = blobKey(ctx.tenantId, id);
    if (mirrors.length === 0 && spares.length === 0) {
      await first.write(ctx, key, source, { sizeBytes });
      return;
    }
    const { live, replaced } = await writeMirrored(ctx, source, {
      key,
      sizeBytes,
      targets: [first, ...mirrors],
      spares,
      quorum: placement.quorum,
      slowMs: this.slowMs,
      adopt: async (spare) => {
        await this.database.query(ADOPT_SPARE, [id, spare.name]);
      },
    });
    const [primary] = live;
    if (mirrors.length > 0 || primary !== first.name) {
      await this.database.query(SETTLE_REPLICAS, [id, primary, live, replaced]);
    }
  }

  /** Removes the bytes of a write that is not committed, as far as that goes now; the sweeper comes back to the rest. */
  async remove(ctx: OperationContext, id: BlobId, { first, mirrors, spares }: WritePlan): Promise<void> {
    const key = blobKey(ctx.tenantId, id);
    await Promise.allSettled([first, ...mirrors, ...spares].map((driver) => driver.delete(ctx, key)));
  }
}
