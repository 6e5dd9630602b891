import { Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { Environment } from '../../config/environment';
import { Database } from '../../database/database';
import { PeriodicTurn } from '../../database/periodic-turn';
import { IntervalJob } from '../quota/interval-job';
import { Idleness } from './idleness';
import type { Placement } from './placements';
import { Placements } from './placements';
import { ReplicaMover } from './replica-mover';
import type { HeldBlobRow } from './replica-mover';
import { BLOBS_OF_PLACEMENT } from './replica.statements';

const BATCH_BLOBS = 4;
const NIL_UUID = '00000000-0000-0000-0000-000000000000';
/** Rounds in a day: old blobs wait an hour at most. */
const ROUNDS_IN_A_DAY = 24;
const LEASE_SECONDS = 3_600;
const MAX_LOGGED_FAILURES = 10;

/** Gives blobs that have become old, and that nobody reads where it says so, the placement that theirs says. One process of all does it at a time. */
@Injectable()
export class Tiering implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(Tiering.name);
  private readonly stopping = new AbortController();
  private readonly dayMs: number;
  private readonly job: IntervalJob;

  constructor(
    private readonly database: Database,
    private readonly placements: Placements,
    private readonly mover: ReplicaMover,
    private readonly idleness: Idleness,
    environment: Environment,
  ) {
    this.dayMs = environment.lifecycleDaySeconds * 1000;
    this.job = new IntervalJob(Tiering.name, Math.max(1000, this.dayMs / ROUNDS_IN_A_DAY), () => this.run());
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.idleness.admitGaps(this.gapSeconds);
    this.job.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await this.job.stop();
  }

  /** Until well after the next round. */
  private get gapSeconds(): number {
    return (2 * this.dayMs) / 1000 / ROUNDS_IN_A_DAY;
  }

  /** One round over all placements; false when another process has done it, or there is nothing to do. */
  async run(): Promise<boolean> {
    await this.idleness.admitGaps(this.gapSeconds);
    // Such a placement may be defined at any time.
    if (![...this.placements.byName.values()].some(({ tier }) => tier !== undefined)) return false;
    const startedAtMs = performance.now();
    // Less than the time between two rounds, so that a claim is never a moment early.
    const seconds = (this.dayMs / 1000 / ROUNDS_IN_A_DAY) * 0.9;
    const turn = new PeriodicTurn(this.database, 'tiering', seconds, LEASE_SECONDS);
    if (!(await turn.claim())) return false;
    try {
      const knownSince = await this.takeReads();
      for (const placement of this.placements.byName.values()) await this.moveOld(placement, knownSince);
    } catch (error) {
      await turn.failed(error);
      throw error;
    }
    await turn.succeeded(startedAtMs);
    return true;
  }

  /** Of all tiers that ask for idleness; undefined where none does, or reads are not known. */
  private async takeReads(): Promise<Date | undefined> {
    const days = Math.max(0, ...[...this.placements.byName.values()].map(({ tier }) => tier?.idleDays ?? 0));
    return days === 0 ? undefined : this.idleness.takeReads(Date.now() - days * this.dayMs);
  }

  private async moveOld(placement: Placement, knownSince: Date | undefined): Promise<void> {
    const { tier } = placement;
    if (tier === undefined) return;
    const { afterDays, idleDays } = tier;
    const idleSinceMs = idleDays === undefined ? undefined : Date.now() - idleDays * this.dayMs;
    if (idleSinceMs !== undefined && (knownSince === undefined || knownSince.getTime() > idleSinceMs)) return;
    const next = this.placements.ofBlob(tier.to);
    // What is younger can't have been idle for so long.
    const end = firstIdAt(Date.now() - Math.max(afterDays, idleDays ?? 0) * this.dayMs);
    let failures = 0;
    for (let cursor = NIL_UUID; ;) {
      const rows = await this.database.query<HeldBlobRow & Readonly<Record<string, unknown>>>(BLOBS_OF_PLACEMENT, [
        placement.name,
        cursor,
        end,
        BATCH_BLOBS,
        idleSinceMs === undefined ? null : new Date(idleSinceMs),
      ]);
      const last = rows.at(-1);
      if (last === undefined || this.stopping.signal.aborted) return;
      cursor = last.id;
      await Promise.all(
        rows.map(async (row) => {
          try {
            await this.mover.moveTo(next, row, this.stopping.signal);
          } catch (error) {
            failures += 1;
            if (failures > MAX_LOGGED_FAILURES) return;
            const reason = error instanceof Error ? error.message : String(error);
            this.logger.warn(`blob ${row.id} stays in ${placement.name} for now: ${reason}`);
          }
        }),
      );
    }
  }
}

/** Ids of blobs are UUIDs of version 7, which begin with the milliseconds since 1970. */
function firstIdAt(timeMs: number): string {
  const hex = Math.max(0, Math.floor(timeMs)).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
