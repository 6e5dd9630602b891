import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import { RATE_LIMIT_REFUSALS_TOTAL, RATE_LIMIT_STORE_UP } from './metrics.constants';
import { type CounterCell, ResolvedCounter, SampledGauge } from './resolved-metrics';

/** Who was refused for being too fast, and whether machines share their limits. */
@Injectable()
export class RateLimitMetrics {
  private readonly cells = new Map<string, CounterCell>();

  constructor(
    @InjectMetric(RATE_LIMIT_REFUSALS_TOTAL) private readonly refusals: ResolvedCounter<'limit' | 'scope'>,
    @InjectMetric(RATE_LIMIT_STORE_UP) private readonly storeUp: SampledGauge<never>,
  ) {}

  refused(limit: string, scope: string): void {
    const name = `${limit} ${scope}`;
    let cell = this.cells.get(name);
    if (cell === undefined) {
      cell = this.refusals.cell({ limit, scope });
      this.cells.set(name, cell);
    }
    cell.value += 1;
  }

  /** `read`: 1 or 0, and undefined where there is no such store. */
  sampleStore(read: () => 0 | 1 | undefined): void {
    this.storeUp.sample({}, read);
  }
}
