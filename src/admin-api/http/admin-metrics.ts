import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { RequestObserver } from '../../context/request-observer';
import type { RequestRecord } from '../../context/request-record';
import { ADMIN_REQUEST_DURATION_SECONDS, ADMIN_REQUESTS_TOTAL } from '../../metrics/metrics.constants';
import {
  type CounterCell,
  type HistogramCell,
  ResolvedCounter,
  ResolvedHistogram,
} from '../../metrics/resolved-metrics';

/** Measures the requests of the admin API. Labels are the names of actions and the statuses that they answer. */
@Injectable()
export class AdminMetrics implements RequestObserver {
  private readonly counts = new Map<string, CounterCell>();
  private readonly durations = new Map<string, HistogramCell>();

  constructor(
    @InjectMetric(ADMIN_REQUESTS_TOTAL) private readonly requests: ResolvedCounter<'operation' | 'code'>,
    @InjectMetric(ADMIN_REQUEST_DURATION_SECONDS) private readonly duration: ResolvedHistogram<'operation'>,
  ) {}

  requestSettled({ operation, status, latencyMs }: RequestRecord): void {
    this.countOf(operation, String(status)).value += 1;
    this.durationOf(operation).observe(latencyMs / 1e3);
  }

  private countOf(operation: string, code: string): CounterCell {
    const key = `${operation} ${code}`;
    let cell = this.counts.get(key);
    if (cell === undefined) {
      cell = this.requests.cell({ operation, code });
      this.counts.set(key, cell);
    }
    return cell;
  }

  private durationOf(operation: string): HistogramCell {
    let cell = this.durations.get(operation);
    if (cell === undefined) {
      cell = this.duration.cell({ operation });
      this.durations.set(operation, cell);
    }
    return cell;
  }
}
