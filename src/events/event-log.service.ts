import { join } from 'node:path';
import type { BeforeApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { Injectable, Logger } from '@nestjs/common';
import { Environment } from '../config/environment';
import { VaultaireConfig } from '../config/vaultaire-config';
import type { RequestObserver } from '../context/request-observer';
import type { RequestRecord } from '../context/request-record';
import { EventLogMetrics } from '../metrics/event-log.metrics';
import { OPERATION_CATALOGUE } from '../s3-api/operations/operation-catalogue';
import type { EventBatch } from './event-batch';
import { EventCollector, joined } from './event-batch';
import { eventLine } from './event-line';
import { EventSink } from './event-sink';
import { SPOOL_FOLDER } from './events.constants';
import { EventSpool } from './spool/event-spool';
import { SpoolFolder } from './spool/spool-folder';
import { SpoolWriter } from './spool/spool-writer';

/**
 * Half of what a kill may cost: rows are on their way to PostgreSQL after one interval, and on disk after another one when
 * they have not arrived by then.
 */
const FLUSH_INTERVAL_MS = 50;
const MAX_BATCH_ROWS = 1_000;
/** Some forty thousand rows. They wait here only when the disk doesn't take them either. */
const MAX_WAITING_BYTES = 16 * 1_024 * 1_024;
const SHUTDOWN_TIMEOUT_MS = 5_000;

const READS: ReadonlySet<string> = new Set(
  OPERATION_CATALOGUE.filter(({ method }) => method === 'GET' || method === 'HEAD').map(({ name }) => name),
);

/** A batch on its way to PostgreSQL. */
interface Flush {
  readonly batch: EventBatch;
  readonly startedAtMs: number;
  readonly done: Promise<void>;
}

/**
 * The event log: one row per request, refused and broken ones too, written in batches off the request path.
 *
 * As long as PostgreSQL keeps up, a row is in the table some 50 ms after its request ended. Whatever has not arrived one
 * interval later goes to the spool on disk, as does all that follows until the spool has been replayed, in order. So a kill
 * of the process costs the rows of the last 100 ms, be PostgreSQL there or away.
 */
@Injectable()
export class EventLogService implements RequestObserver, OnModuleInit, BeforeApplicationShutdown {
  private readonly logger = new Logger('EventLog');
  private readonly collector = new EventCollector();
  private folder: SpoolFolder | undefined;
  private spool: SpoolWriter | undefined;
  private timer: NodeJS.Timeout | undefined;
  private flush: Flush | undefined;
  private isStopped = false;

  constructor(
    private readonly environment: Environment,
    private readonly config: VaultaireConfig,
    private readonly sink: EventSink,
    private readonly metrics: EventLogMetrics,
  ) {}

  async onModuleInit(): Promise<void> {
    this.folder = await SpoolFolder.create(join(this.environment.dataDir, SPOOL_FOLDER));
    const spool = await EventSpool.open(this.folder.path, {
      maxBytes: this.config.events.spoolMaxBytes,
      onLost: (rows, reason) => {
        this.sink.lost(rows, reason);
      },
    });
    this.spool = new SpoolWriter(spool, this.folder, this.sink, this.metrics);
    this.metrics.sampleQueue(
      () => this.collector.rows + (this.spool?.waitingRows ?? 0),
      () => this.lagSeconds(),
    );
    this.metrics.sampleSpool(() => (spool.isEmpty ? 0 : spool.bytes));
  }

  requestSettled(record: RequestRecord): void {
    if (!this.config.events.reads && isPlainRead(record)) return;
    if (this.isStopped) {
      this.sink.lost(1, 'the gateway is stopping');
      return;
    }
    if (this.collector.bytes + (this.spool?.waitingBytes ?? 0) >= MAX_WAITING_BYTES) {
      this.sink.lost(1, 'neither PostgreSQL nor the disk takes them');
      return;
    }
    this.collector.add(eventLine(record));
    if (this.timer === undefined) this.schedule();
    else if (this.collector.rows >= MAX_BATCH_ROWS && this.isDirect) this.tick();
  }

  /**
   * Writes what waits, to disk when PostgreSQL is away or slow, from where the next start takes it. Comes before any module
   * closes its connections, and after the last request was served.
   */
  async beforeApplicationShutdown(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    if (this.folder === undefined || this.spool === undefined) return;
    const deadline = deadlineIn(SHUTDOWN_TIMEOUT_MS);
    await Promise.race([this.flush?.done, deadline.passed]);
    this.passOn();
    await Promise.race([this.flush?.done, deadline.passed]);
    // A batch whose answer did not come is on disk by now.
    this.passOn();
    const isEmpty = await this.spool.finish(deadline.passed);
    deadline.clear();
    if (isEmpty) await this.folder.remove();
    else {
      this.logger.warn('PostgreSQL is away while the gateway stops: events wait on disk for the next start');
      await this.folder.leave();
    }
  }

  /** Nothing is on its way, and nothing is on disk that would have to go first. */
  private get isDirect(): boolean {
    return this.flush === undefined && this.spool?.isActive === false;
  }

  private schedule(): void {
    if (this.isStopped) return;
    this.timer = setTimeout(() => {
      this.tick();
    }, FLUSH_INTERVAL_MS);
    this.timer.unref();
  }

  private tick(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.passOn();
  }

  /** To PostgreSQL, or to disk when it is slower than the interval. */
  private passOn(): void {
    const batches = this.collector.take();
    if (this.isDirect) {
      if (batches.length > 0) this.startFlush(joined(batches));
      return;
    }
    // What is on its way came first.
    if (this.flush !== undefined) this.spool?.keepUntilWritten(this.flush.batch);
    this.spool?.add(batches);
  }

  private startFlush(batch: EventBatch): void {
    const done = this.sink.write(batch).then(async (isWritten) => {
      this.flush = undefined;
      await this.spool?.directWriteEnded(batch, isWritten);
    });
    this.flush = { batch, startedAtMs: Date.now(), done };
    // Looks after the batch also when no request comes any more.
    this.schedule();
  }

  private lagSeconds(): number {
    const oldestMs = this.spool?.oldestMs ?? this.flush?.startedAtMs;
    return oldestMs === undefined ? 0 : Math.max(0, Date.now() - oldestMs) / 1_000;
  }
}

/** A read that went well, and that no access log wants. */
function isPlainRead({ operation, status, outcome, accessLog }: RequestRecord): boolean {
  return READS.has(operation) && status < 400 && outcome === 'completed' && accessLog === undefined;
}

function deadlineIn(timeoutMs: number): { readonly passed: Promise<void>; clear(): void } {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => {
    resolve(undefined);
  }, timeoutMs);
  return {
    passed: promise,
    clear: () => {
      clearTimeout(timer);
    },
  };
}
