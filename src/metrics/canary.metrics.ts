import { Injectable } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import { VaultaireConfig } from '../config/vaultaire-config';
import { CANARY_RUNS_TOTAL, CANARY_STEP_DURATION_SECONDS } from './metrics.constants';
import { type CounterCell, type HistogramCell, ResolvedCounter, ResolvedHistogram } from './resolved-metrics';

const STEPS = ['write', 'read', 'list', 'delete'] as const;
type Step = (typeof STEPS)[number];
/** How a run ended: well, or at a step; `prepare`: before its first. */
export type CanaryResult = 'ok' | 'prepare' | Step;

/** What the canary meets. Without one there are no series. */
@Injectable()
export class CanaryMetrics {
  private readonly results = new Map<CanaryResult, CounterCell>();
  private readonly durations = new Map<Step, HistogramCell>();

  constructor(
    @InjectMetric(CANARY_RUNS_TOTAL) runs: ResolvedCounter<'result'>,
    @InjectMetric(CANARY_STEP_DURATION_SECONDS) durations: ResolvedHistogram<'step'>,
    config: VaultaireConfig,
  ) {
    if (config.canary === undefined) return;
    // All at 0 from the start, so that the first failure is an increase.
    for (const result of ['ok', 'prepare', ...STEPS] as const) this.results.set(result, runs.cell({ result }));
    for (const step of STEPS) this.durations.set(step, durations.cell({ step }));
  }

  ended(result: CanaryResult): void {
    const cell = this.results.get(result);
    if (cell !== undefined) cell.value += 1;
  }

  stepped(step: Step, seconds: number): void {
    this.durations.get(step)?.observe(seconds);
  }
}
