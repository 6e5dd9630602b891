import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import {
  EVENTS_DROPPED_TOTAL,
  EVENTS_FLUSH_SECONDS,
  EVENTS_QUEUE_ROWS,
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

  constructor(
    @InjectMetric(EVENTS_QUEUE_ROWS) private readonly queueRows: SampledGauge<never>,
    @InjectMetric(EVENTS_FLUSH_SECONDS) flushSeconds: ResolvedHistogram<never>,
    @InjectMetric(EVENTS_WRITTEN_TOTAL) writtenTotal: ResolvedCounter<never>,
    @InjectMetric(EVENTS_DROPPED_TOTAL) droppedTotal: ResolvedCounter<never>,
  ) {
    this.flushDuration = flushSeconds.cell({});
    this.writtenRows = writtenTotal.cell({});
    this.droppedRows = droppedTotal.cell({});
  }

  /** `rows`: how many wait in this process. */
  sampleQueue(rows: () => number): void {
    this.queueRows.sample({}, rows);
  }

  written(rows: number, seconds: number): void {
    this.writtenRows.value += rows;
    this.flushDuration.observe(seconds);
  }

  dropped(rows: number): void {
    this.droppedRows.value += rows;
  }
}
