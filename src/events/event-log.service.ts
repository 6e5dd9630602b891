import type { BeforeApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { Injectable, Logger } from '@nestjs/common';
import type { RequestObserver } from '../context/request-observer';
import type { RequestRecord } from '../context/request-record';
import { Database, DatabaseUnavailableError } from '../database/database';
import { EventLogMetrics } from '../metrics/event-log.metrics';
import type { EventRow } from './event-row';
import { eventRow } from './event-row';
import { writeEvents } from './event-writer';

/** With rows of a few hundred bytes, some ten megabytes at the most. */
const MAX_QUEUED_ROWS = 20_000;
const MAX_BATCH_ROWS = 1_000;
const FLUSH_INTERVAL_MS = 100;
const MAX_RETRY_DELAY_MS = 5_000;
const REPORT_INTERVAL_MS = 10_000;
const SHUTDOWN_TIMEOUT_MS = 5_000;

/**
 * The event log: one row per request, refused and broken ones too, written in batches off the request path.
 *
 * A row is in the table at the latest some 100 ms after its request ended, as long as PostgreSQL keeps up. While it is away
 * rows wait in memory up to a bound; rows beyond are lost, counted, and reported in the log once in a while.
 */
@Injectable()
export class EventLogService implements RequestObserver, OnModuleInit, BeforeApplicationShutdown {
  private readonly logger = new Logger(EventLogService.name);
  private queue: EventRow[] = [];
  private timer: NodeJS.Timeout | undefined;
  private flushUnderway: Promise<void> | undefined;
  private retryDelayMs = 0;
  private droppedSinceReport = 0;
  private reportedAtMs = -Infinity;
  private isStopped = false;

  constructor(
    private readonly database: Database,
    private readonly metrics: EventLogMetrics,
  ) {}

  onModuleInit(): void {
    this.metrics.sampleQueue(() => this.queue.length);
  }

  requestSettled(record: RequestRecord): void {
    if (this.queue.length >= MAX_QUEUED_ROWS || this.isStopped) {
      this.drop(1, this.isStopped ? 'the gateway is stopping' : 'the queue is full');
      return;
    }
    this.queue.push(eventRow(record));
    if (this.flushUnderway !== undefined || this.retryDelayMs > 0) return;
    if (this.queue.length >= MAX_BATCH_ROWS) this.startFlush();
    else this.schedule(FLUSH_INTERVAL_MS);
  }

  /**
   * Writes what waits, giving up when PostgreSQL is away or slow. Comes before any module closes its connections, and
   * after the last request was served.
   */
  async beforeApplicationShutdown(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    await this.flushUnderway;
    this.retryDelayMs = 0;
    const deadlineMs = performance.now() + SHUTDOWN_TIMEOUT_MS;
    while (this.queue.length > 0 && this.retryDelayMs === 0 && performance.now() < deadlineMs) {
      await this.flush();
    }
    if (this.queue.length > 0) this.drop(this.queue.splice(0).length, 'PostgreSQL is away while the gateway stops');
  }

  private schedule(delayMs: number): void {
    if (this.isStopped || this.timer !== undefined) return;
    this.timer = setTimeout(() => {
      this.startFlush();
    }, delayMs);
    this.timer.unref();
  }

  private startFlush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.isStopped || this.flushUnderway !== undefined) return;
    this.flushUnderway = this.flush().finally(() => {
      this.flushUnderway = undefined;
      if (this.retryDelayMs > 0) this.schedule(this.retryDelayMs);
      else if (this.queue.length >= MAX_BATCH_ROWS) this.startFlush();
      else if (this.queue.length > 0) this.schedule(FLUSH_INTERVAL_MS);
    });
  }

  /** One batch. Never rejects: rows that could not be written for want of PostgreSQL stay first in the queue. */
  private async flush(): Promise<void> {
    const batch = this.queue.slice(0, MAX_BATCH_ROWS);
    const startedAtMs = performance.now();
    try {
      const written = await this.write(batch);
      this.queue = this.queue.slice(batch.length);
      this.retryDelayMs = 0;
      this.metrics.written(written, (performance.now() - startedAtMs) / 1000);
    } catch (error) {
      if (this.retryDelayMs === 0) this.logger.warn('PostgreSQL is away: events wait in memory', error);
      this.retryDelayMs = Math.min(MAX_RETRY_DELAY_MS, Math.max(FLUSH_INTERVAL_MS, this.retryDelayMs * 2));
    }
  }

  /**
   * Writes `rows` and answers how many. Rows that PostgreSQL refuses are found by halving and dropped, so that one can't
   * hold up the others.
   */
  private async write(rows: readonly EventRow[]): Promise<number> {
    try {
      await writeEvents(this.database, rows);
      return rows.length;
    } catch (error) {
      if (error instanceof DatabaseUnavailableError) throw error;
      if (rows.length === 1) {
        this.drop(1, 'PostgreSQL refused a row', error);
        return 0;
      }
      const middle = rows.length >> 1;
      return (await this.write(rows.slice(0, middle))) + (await this.write(rows.slice(middle)));
    }
  }

  private drop(rows: number, reason: string, error?: unknown): void {
    this.metrics.dropped(rows);
    this.droppedSinceReport += rows;
    const nowMs = performance.now();
    if (nowMs - this.reportedAtMs < REPORT_INTERVAL_MS && !this.isStopped) return;
    this.logger.error(`${String(this.droppedSinceReport)} events were lost: ${reason}`, error);
    this.reportedAtMs = nowMs;
    this.droppedSinceReport = 0;
  }
}
