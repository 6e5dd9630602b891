import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import type { RequestObserver } from '../context/request-observer';
import type { RequestRecord } from '../context/request-record';
import {
  S3_ABORTED_REQUESTS_TOTAL,
  S3_BYTES_IN_TOTAL,
  S3_BYTES_OUT_TOTAL,
  S3_REQUEST_DURATION_SECONDS,
  S3_REQUESTS_TOTAL,
  S3_TIME_TO_FIRST_BYTE_SECONDS,
} from './metrics.constants';
import { type CounterCell, type HistogramCell, ResolvedCounter, ResolvedHistogram } from './resolved-metrics';

interface OperationCells {
  readonly duration: HistogramCell;
  readonly timeToFirstByte: HistogramCell;
  readonly bytesIn: CounterCell;
  readonly bytesOut: CounterCell;
  readonly aborted: CounterCell;
  /** By error code, or status where there is none. */
  readonly requests: Map<string | number, CounterCell>;
}

/**
 * Counts every request once it is over, refused and broken ones too. Labels are the catalogue's operations and S3's codes:
 * never what a client can make up.
 */
@Injectable()
export class MetricsObserver implements RequestObserver {
  private readonly operations = new Map<string, OperationCells>();

  constructor(
    @InjectMetric(S3_REQUESTS_TOTAL) private readonly requests: ResolvedCounter<'operation' | 'code'>,
    @InjectMetric(S3_REQUEST_DURATION_SECONDS) private readonly duration: ResolvedHistogram<'operation'>,
    @InjectMetric(S3_TIME_TO_FIRST_BYTE_SECONDS) private readonly timeToFirstByte: ResolvedHistogram<'operation'>,
    @InjectMetric(S3_BYTES_IN_TOTAL) private readonly bytesIn: ResolvedCounter<'operation'>,
    @InjectMetric(S3_BYTES_OUT_TOTAL) private readonly bytesOut: ResolvedCounter<'operation'>,
    @InjectMetric(S3_ABORTED_REQUESTS_TOTAL) private readonly aborted: ResolvedCounter<'operation'>,
  ) {}

  requestSettled(record: RequestRecord): void {
    const cells = this.cellsOf(record.operation);
    cells.duration.observe(record.latencyMs / 1e3);
    if (record.firstByteClockMs !== undefined) {
      cells.timeToFirstByte.observe((record.firstByteClockMs - record.startedClockMs) / 1e3);
    }
    cells.bytesIn.value += record.bytesIn;
    cells.bytesOut.value += record.bytesOut;
    if (record.outcome === 'aborted') cells.aborted.value += 1;
    this.requestCell(record.operation, cells, record.errorCode ?? record.status).value += 1;
  }

  private requestCell(operation: string, cells: OperationCells, code: string | number): CounterCell {
    let cell = cells.requests.get(code);
    if (cell === undefined) {
      cell = this.requests.cell({ operation, code: String(code) });
      cells.requests.set(code, cell);
    }
    return cell;
  }

  private cellsOf(operation: string): OperationCells {
    let cells = this.operations.get(operation);
    if (cells === undefined) {
      cells = {
        duration: this.duration.cell({ operation }),
        timeToFirstByte: this.timeToFirstByte.cell({ operation }),
        bytesIn: this.bytesIn.cell({ operation }),
        bytesOut: this.bytesOut.cell({ operation }),
        aborted: this.aborted.cell({ operation }),
        requests: new Map(),
      };
      this.operations.set(operation, cells);
    }
    return cells;
  }
}
