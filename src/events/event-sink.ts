import { Injectable, Logger } from '@nestjs/common';
import { tracing } from '../context/tracing';
import { Database } from '../database/database';
import { readsAreLate, readsAreUnknown } from '../database/read-log';
import { EventLogMetrics } from '../metrics/event-log.metrics';
import type { EventBatch } from './event-batch';
import { timeOf } from './event-batch';
import { EVENT_COLUMNS } from './event-line';
import { writeEvents } from './event-writer';

const REPORT_INTERVAL_MS = 10_000;
/** Rows of a spool that are older may hold reads that count. */
const LATE_MS = 60_000;
/** Rows that are older are in the log only: their days have been rolled up. */
const TOO_LATE_MS = 2 * 86_400_000;

/** The table of events, as those see it who bring rows: it counts what it got, and reports what got lost. */
@Injectable()
export class EventSink {
  private readonly logger = new Logger('EventLog');
  private isAway = false;
  /** Rows were lost of which `read_log` does not know yet. */
  private hasGap = false;
  private droppedSinceReport = 0;
  private reportedAtMs = -Infinity;

  constructor(
    private readonly database: Database,
    private readonly metrics: EventLogMetrics,
  ) {}

  /** True when the rows are in the table, without those that it refuses for ever; false when it takes nothing now. Never rejects. */
  async write(batch: EventBatch, columns = EVENT_COLUMNS): Promise<boolean> {
    const startedAtMs = performance.now();
    try {
      const { rows, refused, reason } = await this.add(batch, columns);
      this.metrics.written(rows, (performance.now() - startedAtMs) / 1000);
      if (refused > 0) this.lost(refused, 'PostgreSQL refused them', reason);
      if (this.isAway) this.logger.log('PostgreSQL takes events again');
      this.isAway = false;
      await this.admitGap();
      return true;
    } catch (error) {
      if (!this.isAway) this.logger.warn('PostgreSQL takes no events: they go to disk', error);
      this.isAway = true;
      return false;
    }
  }

  private add(batch: EventBatch, columns: string): ReturnType<typeof writeEvents> {
    const traces = tracing();
    if (traces === undefined) return writeEvents(this.database, batch, columns);
    return traces.batch('events.flush', { 'vaultaire.rows': batch.rows }, () =>
      writeEvents(this.database, batch, columns),
    );
  }

  /** {@link write} for rows that waited on disk: who asks for reads is told that there may be more. */
  async writeLate(batch: EventBatch, columns: string): Promise<boolean> {
    const ageMs = Date.now() - (timeOf(batch) ?? 0);
    if (ageMs > TOO_LATE_MS) this.hasGap = true;
    // Where PostgreSQL takes this no more, it doesn't take the rows either.
    if (ageMs > LATE_MS) await readsAreLate(this.database).catch(() => undefined);
    return this.write(batch, columns);
  }

  /** Tried again with the next batch. */
  private async admitGap(): Promise<void> {
    if (!this.hasGap) return;
    this.hasGap = false;
    await readsAreUnknown(this.database, 0).catch(() => {
      this.hasGap = true;
    });
  }

  /** Counts rows that will never be in the table, and says so once in a while. */
  lost(rows: number | undefined, reason: string, error?: unknown): void {
    this.metrics.dropped(rows ?? 0);
    this.hasGap = true;
    this.droppedSinceReport += rows ?? 0;
    const nowMs = performance.now();
    if (rows !== undefined && nowMs - this.reportedAtMs < REPORT_INTERVAL_MS) return;
    this.logger.error(
      `${rows === undefined ? 'Some' : String(this.droppedSinceReport)} events were lost: ${reason}`,
      error,
    );
    this.reportedAtMs = nowMs;
    this.droppedSinceReport = 0;
  }
}
