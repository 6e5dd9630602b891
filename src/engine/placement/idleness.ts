import { Injectable, Logger } from '@nestjs/common';
import { VaultaireConfig } from '../../config/vaultaire-config';
import { Database } from '../../database/database';
import type { Statement } from '../../database/database';
import { readsAreUnknown, readsKnownSince } from '../../database/read-log';

const DAY_MS = 86_400_000;
/** Days that the roll-up of the log may still change: see `vaultaire_roll_up_access`. */
const ROLL_UP_DAYS = 3;

/** All of the blobs behind a key, whatever its version: the roll-up knows of no versions. */
const TAKE_READS: Statement = {
  name: 'take_blob_reads',
  text: `WITH reads AS (
      SELECT tenant_id, container, artifact_key, max(read_at) AS read_at FROM (
        SELECT tenant_id, container, artifact_key, last_read_at AS read_at FROM artifact_access_daily
        WHERE day >= $1 AND last_read_at IS NOT NULL
        UNION ALL
        SELECT tenant_id, container, artifact_key, time FROM events
        WHERE id >= vaultaire_event_id_at(clock_timestamp() - interval '6 hours')
          AND time >= clock_timestamp() - interval '6 hours' AND operation = 'GetObject' AND status < 300
      ) AS every GROUP BY 1, 2, 3
    ), versions AS (
      SELECT v.blob_id, v.manifest_id, r.read_at FROM reads r
      JOIN containers c ON c.tenant_id = r.tenant_id AND c.name = r.container
      JOIN artifact_versions v ON v.container_id = c.id AND v.key = r.artifact_key
    )
    INSERT INTO blob_reads AS known (blob_id, read_at)
    SELECT blob_id, max(read_at) FROM (
      SELECT blob_id, read_at FROM versions
      UNION ALL
      SELECT p.blob_id, v.read_at FROM versions v JOIN manifest_parts p ON p.manifest_id = v.manifest_id
    ) AS held WHERE blob_id IS NOT NULL GROUP BY blob_id
    ON CONFLICT (blob_id) DO UPDATE SET read_at = excluded.read_at WHERE known.read_at < excluded.read_at`,
};

const FORGET_READS: Statement = {
  name: 'forget_blob_reads',
  text: 'DELETE FROM blob_reads r WHERE NOT EXISTS (SELECT FROM blobs b WHERE b.id = r.blob_id)',
};

/** A window of the log may take longer to read than a statement of the gateway may take. For the rest of the transaction. */
const LIFT_TIMEOUT: Statement = {
  name: 'idleness_lift_timeout',
  text: `SELECT set_config('statement_timeout', '0', true)`,
};

/** Tells which blobs nobody reads, by what the event log knows; where that may be less than all, none is idle. */
@Injectable()
export class Idleness {
  private readonly logger = new Logger(Idleness.name);
  /** Of the reads that were taken last, and how far back they went. */
  private taken: { readonly atMs: number; readonly fromMs: number } | undefined;
  private isDoubtful = false;

  constructor(
    private readonly database: Database,
    private readonly config: VaultaireConfig,
  ) {}

  /** To be said at the start and again within `forSeconds`: this process leaves reads out of the log, where it does. */
  async admitGaps(forSeconds: number): Promise<void> {
    if (!this.config.events.reads) await readsAreUnknown(this.database, forSeconds);
  }

  /**
   * Brings `blob_reads` up to date with all reads since `fromMs`.
   *
   * @returns since when every read is known; undefined: nothing counts as idle now
   */
  async takeReads(fromMs: number): Promise<Date | undefined> {
    const knownSince = await readsKnownSince(this.database);
    this.report(knownSince === undefined || knownSince.getTime() > fromMs);
    if (knownSince === undefined) return undefined;
    const startedAtMs = Date.now();
    const { taken } = this;
    // Who took the same window before needs what the roll-up may have changed since only.
    const isFirst = taken === undefined || fromMs < taken.fromMs;
    const sinceMs = isFirst ? fromMs : Math.max(fromMs, taken.atMs - ROLL_UP_DAYS * DAY_MS);
    await this.database.transaction(async (tx) => {
      await tx.query(LIFT_TIMEOUT, []);
      await tx.query(TAKE_READS, [new Date(sinceMs).toISOString().slice(0, 10)]);
      await tx.query(FORGET_READS, []);
    });
    this.taken = { atMs: startedAtMs, fromMs };
    return knownSince;
  }

  private report(isDoubtful: boolean): void {
    if (isDoubtful && !this.isDoubtful) {
      this.logger.warn(
        'not all reads are known for as long as tiers ask: what they are not known of stays where it is',
      );
    }
    this.isDoubtful = isDoubtful;
  }
}
