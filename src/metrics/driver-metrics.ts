import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import {
  DRIVER_CALLS_IN_FLIGHT,
  DRIVER_CUT_OFF_PROCESSES,
  DRIVER_ERRORS_TOTAL,
  DRIVER_HEDGES_TOTAL,
  DRIVER_OPERATION_DURATION_SECONDS,
  DRIVER_RETRIES_TOTAL,
  DRIVER_WAITING_CALLS,
} from './metrics.constants';
import {
  type CounterCell,
  type HistogramCell,
  ResolvedCounter,
  ResolvedHistogram,
  SampledGauge,
} from './resolved-metrics';

/** Times and failures of driver calls, and what the layers around remote drivers do about them. */
@Injectable()
export class DriverMetrics {
  private readonly cells = new Map<string, Map<string, DriverCells>>();
  private readonly retryCells = new Map<string, CounterCell>();
  private readonly hedgeCells = new Map<string, CounterCell>();

  constructor(
    @InjectMetric(DRIVER_OPERATION_DURATION_SECONDS)
    private readonly duration: ResolvedHistogram<'driver' | 'operation'>,
    @InjectMetric(DRIVER_ERRORS_TOTAL)
    private readonly errors: ResolvedCounter<'driver' | 'operation' | 'kind'>,
    @InjectMetric(DRIVER_RETRIES_TOTAL)
    private readonly retries: ResolvedCounter<'driver' | 'operation'>,
    @InjectMetric(DRIVER_HEDGES_TOTAL)
    private readonly hedges: ResolvedCounter<'driver'>,
    @InjectMetric(DRIVER_CUT_OFF_PROCESSES)
    private readonly cutOff: SampledGauge<'driver'>,
    @InjectMetric(DRIVER_CALLS_IN_FLIGHT)
    private readonly inFlight: SampledGauge<'driver' | 'class'>,
    @InjectMetric(DRIVER_WAITING_CALLS)
    private readonly waiting: SampledGauge<'driver' | 'class'>,
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

  /** A call, or a request within one (`operation`: `request`), is made once more. */
  retried(driver: string, operation: string): void {
    const name = `${driver} ${operation}`;
    let cell = this.retryCells.get(name);
    if (cell === undefined) {
      cell = this.retries.cell({ driver, operation });
      this.retryCells.set(name, cell);
    }
    cell.value += 1;
  }

  /** A slow request is sent a second time. */
  hedged(driver: string): void {
    let cell = this.hedgeCells.get(driver);
    if (cell === undefined) {
      cell = this.hedges.cell({ driver });
      this.hedgeCells.set(driver, cell);
    }
    cell.value += 1;
  }

  watchBreaker(driver: string, isCutOff: () => boolean): void {
    this.cutOff.sample({ driver }, () => (isCutOff() ? 1 : 0));
  }

  /** `callClass`: `read`, `write` or `call`. */
  watchConcurrency(driver: string, callClass: string, active: () => number, waiting: () => number): void {
    this.inFlight.sample({ driver, class: callClass }, active);
    this.waiting.sample({ driver, class: callClass }, waiting);
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
