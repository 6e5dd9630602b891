import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import { DRIVER_ERRORS_TOTAL, DRIVER_OPERATION_DURATION_SECONDS } from './metrics.constants';
import { type CounterCell, type HistogramCell, ResolvedCounter, ResolvedHistogram } from './resolved-metrics';

/** Times and failures of driver calls. */
@Injectable()
export class DriverMetrics {
  private readonly cells = new Map<string, Map<string, DriverCells>>();

  constructor(
    @InjectMetric(DRIVER_OPERATION_DURATION_SECONDS)
    private readonly duration: ResolvedHistogram<'driver' | 'operation'>,
    @InjectMetric(DRIVER_ERRORS_TOTAL)
    private readonly errors: ResolvedCounter<'driver' | 'operation' | 'kind'>,
  ) {}

  /** `driver`: its configured name; `operation`: the method's; `errorKind`: a `DriverErrorKind`, undefined on success. */
  observe(driver: string, operation: string, seconds: number, errorKind: string | undefined): void {
    const cells = this.cellsOf(driver, operation);
    cells.duration.observe(seconds);
    if (errorKind === undefined) return;
    let error = cells.errors.get(errorKind);
    if (error === undefined) {
      error = this.errors.cell({ driver, operation, kind: errorKind });
      cells.errors.set(errorKind, error);
    }
    error.value += 1;
  }

  private cellsOf(driver: string, operation: string): DriverCells {
    let byOperation = this.cells.get(driver);
    if (byOperation === undefined) {
      byOperation = new Map();
      this.cells.set(driver, byOperation);
    }
    let cells = byOperation.get(operation);
    if (cells === undefined) {
      cells = { duration: this.duration.cell({ driver, operation }), errors: new Map() };
      byOperation.set(operation, cells);
    }
    return cells;
  }
}

interface DriverCells {
  readonly duration: HistogramCell;
  readonly errors: Map<string, CounterCell>;
}
