import { Logger } from '@nestjs/common';
import type { EventLogMetrics } from '../../metrics/event-log.metrics';
import type { EventBatch } from '../event-batch';
import { timeOf } from '../event-batch';
import type { EventSink } from '../event-sink';
import type { EventSpool, SpooledRecord } from './event-spool';
import type { SpoolFolder } from './spool-folder';

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;
/** Large batches, since there is something to catch up on. */
const REPLAY_BYTES = 512 * 1_024;

/** Leads rows through the spool: onto disk as they come, and from there to PostgreSQL when it takes them, in order. */
export class SpoolWriter {
  private readonly logger = new Logger('EventLog');
  /** For the disk, oldest first. */
  private waiting: EventBatch[] = [];
  private append: Promise<void> | undefined;
  private replay: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private retryDelayMs = 0;
  /** Until it ended, nothing may be replayed. */
  private direct: { readonly batch: EventBatch; record: SpooledRecord | undefined } | undefined;
  private oldest: number | undefined;
  private active = false;
  private isDiskReported = false;
  private isStopped = false;

  constructor(
    private readonly spool: EventSpool,
    private readonly folder: SpoolFolder,
    private readonly sink: EventSink,
    private readonly metrics: EventLogMetrics,
  ) {}

  /** Rows have to go this way as long as others wait on it. */
  get isActive(): boolean {
    return this.active;
  }

  get waitingRows(): number {
    return this.waiting.reduce((rows, batch) => rows + batch.rows, 0);
  }

  get waitingBytes(): number {
    return this.waiting.reduce((bytes, batch) => bytes + batch.bytes.length, 0);
  }

  /** About when the oldest row came that waits on this way; undefined when none does. */
  get oldestMs(): number | undefined {
    return this.active ? this.oldest : undefined;
  }

  /** Keeps a batch that is on its way to PostgreSQL until {@link directWriteEnded}. Once for each. */
  keepUntilWritten(batch: EventBatch): void {
    if (this.direct !== undefined) return;
    this.direct = { batch, record: undefined };
    this.add([batch]);
  }

  add(batches: readonly EventBatch[]): void {
    if (batches.length === 0) return;
    if (!this.active) this.oldest = timeOf(batches[0]) ?? Date.now();
    this.active = true;
    this.waiting.push(...batches);
    void this.appendWaiting();
  }

  /** What became of a batch that went to PostgreSQL without the spool; it comes here when it did not arrive. */
  async directWriteEnded(batch: EventBatch, isWritten: boolean): Promise<void> {
    const kept = this.direct;
    if (kept === undefined) {
      if (!isWritten)
        this.retry(() => {
          this.add([batch]);
        });
      return;
    }
    await this.append;
    if (isWritten) {
      // Else it is not on disk yet, which may be full.
      if (kept.record !== undefined) await this.spool.skip(kept.record).catch(() => undefined);
      else this.waiting = this.waiting.filter((other) => other !== batch);
    }
    this.direct = undefined;
    if (isWritten) this.startReplay();
    else this.retry();
  }

  /**
   * Brings all onto disk, and from there to PostgreSQL as far as it goes until `deadline` resolves.
   *
   * @returns whether nothing is left
   */
  async finish(deadline: Promise<void>): Promise<boolean> {
    clearTimeout(this.timer);
    this.timer = undefined;
    await this.appendWaiting();
    if (this.direct === undefined) {
      this.startReplay();
      await Promise.race([this.replay, deadline]);
    }
    this.isStopped = true;
    clearTimeout(this.timer);
    const lost = this.waitingRows;
    if (lost > 0) this.sink.lost(lost, 'neither PostgreSQL nor the disk takes them while the gateway stops');
    const isEmpty = this.spool.isEmpty;
    await this.spool.close();
    return isEmpty;
  }

  private appendWaiting(): Promise<void> {
    this.append ??= this.appendAll().finally(() => {
      this.append = undefined;
      this.startReplay();
    });
    return this.append;
  }

  private async appendAll(): Promise<void> {
    for (;;) {
      const [batch] = this.waiting;
      if (batch === undefined) return;
      try {
        const record = await this.spool.append(batch);
        if (this.direct?.batch === batch) this.direct.record = record;
      } catch (error) {
        if (!this.isDiskReported) this.logger.error('The disk takes no events: they wait in memory', error);
        this.isDiskReported = true;
        return;
      }
      this.isDiskReported = false;
      this.metrics.spooled(batch.rows);
      this.waiting = this.waiting.filter((other) => other !== batch);
    }
  }

  private startReplay(): void {
    if (this.replay !== undefined || this.direct !== undefined || this.timer !== undefined || this.isStopped) return;
    if (!this.active) return;
    this.replay = this.replayAll()
      .catch((error: unknown) => {
        this.logger.error('The spool of events could not be read', error);
        return false;
      })
      .then((isDone) => {
        this.replay = undefined;
        if (!isDone) this.retry();
        else if (this.spool.isEmpty && this.waiting.length === 0 && this.append === undefined) this.active = false;
        else this.startReplay();
      });
  }

  /** False when PostgreSQL took no more. */
  private async replayAll(): Promise<boolean> {
    for (;;) {
      if (this.isStopped) return true;
      const spooled = await this.spool.read(REPLAY_BYTES);
      if (spooled === undefined) return this.writeUnspooled();
      this.oldest = timeOf(spooled.batch) ?? this.oldest;
      if (!(await this.sink.writeLate(spooled.batch, spooled.columns))) return false;
      this.retryDelayMs = 0;
      await this.spool.consume(spooled);
    }
  }

  /** What the disk refuses goes to PostgreSQL once all that came before has gone. */
  private async writeUnspooled(): Promise<boolean> {
    const [batch] = this.waiting;
    if (batch === undefined || this.append !== undefined) return true;
    if (!(await this.sink.write(batch))) return false;
    this.waiting = this.waiting.filter((other) => other !== batch);
    return true;
  }

  private retry(first: () => void = () => undefined): void {
    this.retryDelayMs = Math.min(LAST_RETRY_MS, Math.max(FIRST_RETRY_MS, this.retryDelayMs * 2));
    if (this.timer === undefined && !this.isStopped) {
      this.timer = setTimeout(() => {
        this.timer = undefined;
        void this.appendWaiting();
      }, this.retryDelayMs);
      this.timer.unref();
    }
    first();
    void this.folder.touch().catch(() => undefined);
  }
}
