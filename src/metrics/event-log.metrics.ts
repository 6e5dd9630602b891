import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import {
  EVENTS_DROPPED_TOTAL,
  EVENTS_FLUSH_SECONDS,
  EVENTS_LAG_SECONDS,
  EVENTS_QUEUE_ROWS,
  EVENTS_SPOOL_BYTES,
  EVENTS_SPOOLED_TOTAL,
  EVENTS_WRITTEN_TOTAL,
} from './metrics.constants';
import {
  type CounterCell,
  type HistogramCell,
  ResolvedCounter,
  ResolvedHistogram,
  SampledGauge,
} from './resolved-metrics';

/** How the event log keeps up. */
@Injectable()
export class EventLogMetrics {
  private readonly flushDuration: HistogramCell;
  private readonly writtenRows: CounterCell;
  private readonly droppedRows: CounterCell;
  private readonly spooledRows: CounterCell;
  private readonly spools: (() => number)[] = [];

  constructor(
    @InjectMetric(EVENTS_QUEUE_ROWS) private readonly queueRows: SampledGauge<never>,
    @InjectMetric(EVENTS_FLUSH_SECONDS) flushSeconds: ResolvedHistogram<never>,
    @InjectMetric(EVENTS_WRITTEN_TOTAL) writtenTotal: ResolvedCounter<never>,
    @InjectMetric(EVENTS_DROPPED_TOTAL) droppedTotal: ResolvedCounter<never>,
    @InjectMetric(EVENTS_SPOOLED_TOTAL) spooledTotal: ResolvedCounter<never>,
    @InjectMetric(EVENTS_SPOOL_BYTES) spoolBytes: SampledGauge<never>,
    @InjectMetric(EVENTS_LAG_SECONDS) private readonly lagSeconds: SampledGauge<never>,
  ) {
    this.flushDuration = flushSeconds.cell({});
    this.writtenRows = writtenTotal.cell({});
    this.droppedRows = droppedTotal.cell({});
    this.spooledRows = spooledTotal.cell({});
    spoolBytes.sample({}, () => this.spools.reduce((sum, bytes) => sum + bytes(), 0));
  }

  /** `rows`: how many wait in the memory of this process; `lagSeconds`: age of the oldest row that waits, wherever. */
  sampleQueue(rows: () => number, lagSeconds: () => number): void {
    this.queueRows.sample({}, rows);
    this.lagSeconds.sample({}, lagSeconds);
  }

  /** `bytes`: on disk. A process may have several spools, which add up. */
  sampleSpool(bytes: () => number): void {
    this.spools.push(bytes);
  }

  spooled(rows: number): void {
    this.spooledRows.value += rows;
  }

  written(rows: number, seconds: number): void {
    this.writtenRows.value += rows;
    this.flushDuration.observe(seconds);
  }

  dropped(rows: number): void {
    this.droppedRows.value += rows;
  }
}
