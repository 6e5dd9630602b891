import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { Injectable, Logger } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import { Database } from '../database/database';
import {
  NOTIFICATIONS_DEAD_LETTERS,
  NOTIFICATIONS_DELIVERIES_TOTAL,
  NOTIFICATIONS_LAG_SECONDS,
  NOTIFICATIONS_WAITING,
} from './metrics.constants';
import type { LabelledValue } from './resolved-metrics';
import { type CounterCell, ResolvedCounter, SampledGauge } from './resolved-metrics';

const REFRESH_INTERVAL_MS = 15_000;
/** What is counted of one target: counting all of a long outage would read as many rows. */
const MAX_COUNTED = 100_000;

const KINDS = ['webhook', 'redis', 'nats'] as const;
const OUTCOMES = ['delivered', 'refused', 'unavailable', 'dead'] as const;
type TargetKind = (typeof KINDS)[number];
type Outcome = (typeof OUTCOMES)[number];

const OUTBOX = {
  name: 'metrics-notifications',
  text: `SELECT t.kind, sum(p.count)::double precision AS waiting, sum(d.count)::double precision AS dead,
      coalesce(extract(epoch FROM now() - min(o.occurred_at)), 0)::double precision AS lag_seconds
    FROM notification_targets t
      CROSS JOIN LATERAL (SELECT count(*) FROM (
        SELECT FROM notification_outbox WHERE target_id = t.id AND state = 'pending' LIMIT ${MAX_COUNTED}) p) p
      CROSS JOIN LATERAL (SELECT count(*) FROM (
        SELECT FROM notification_outbox WHERE target_id = t.id AND state = 'dead' LIMIT ${MAX_COUNTED}) d) d
      LEFT JOIN LATERAL (SELECT occurred_at FROM notification_outbox
        WHERE target_id = t.id AND state = 'pending' ORDER BY id LIMIT 1) o ON true
    GROUP BY t.kind`,
};

interface OutboxRow extends Readonly<Record<string, unknown>> {
  readonly kind: string;
  readonly waiting: number;
  readonly dead: number;
  readonly lag_seconds: number;
}

/** How notifications keep up: what this process sends, and what waits in the installation's outbox. */
@Injectable()
export class NotificationMetrics implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Metrics');
  private readonly cells = new Map<string, CounterCell>();
  private rows: readonly OutboxRow[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly database: Database,
    @InjectMetric(NOTIFICATIONS_DELIVERIES_TOTAL) deliveries: ResolvedCounter<'kind' | 'outcome'>,
    @InjectMetric(NOTIFICATIONS_WAITING) waiting: SampledGauge<'kind'>,
    @InjectMetric(NOTIFICATIONS_LAG_SECONDS) lag: SampledGauge<'kind'>,
    @InjectMetric(NOTIFICATIONS_DEAD_LETTERS) dead: SampledGauge<'kind'>,
  ) {
    // All at 0 from the start, so that the first is an increase.
    for (const kind of KINDS) {
      for (const outcome of OUTCOMES) this.cells.set(`${kind} ${outcome}`, deliveries.cell({ kind, outcome }));
    }
    waiting.sampleAll(() => this.byKind((row) => row.waiting));
    lag.sampleAll(() => this.byKind((row) => row.lag_seconds));
    dead.sampleAll(() => this.byKind((row) => row.dead));
  }

  async onApplicationBootstrap(): Promise<void> {
    this.timer = setInterval(() => void this.refresh(), REFRESH_INTERVAL_MS);
    this.timer.unref();
    await this.refresh();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  delivered(kind: TargetKind, events: number): void {
    this.count(kind, 'delivered', events);
  }

  /** `dead`: refused, and not tried again. */
  failed(kind: TargetKind, outcome: Exclude<Outcome, 'delivered'>): void {
    this.count(kind, outcome, 1);
  }

  private count(kind: TargetKind, outcome: Outcome, events: number): void {
    const cell = this.cells.get(`${kind} ${outcome}`);
    if (cell !== undefined) cell.value += events;
  }

  private byKind(valueOf: (row: OutboxRow) => number): LabelledValue<'kind'>[] {
    return this.rows.map((row) => ({ labels: { kind: row.kind }, value: valueOf(row) }));
  }

  /** Keeps the last figures while PostgreSQL is away. */
  private async refresh(): Promise<void> {
    try {
      this.rows = await this.database.query<OutboxRow>(OUTBOX, []);
    } catch (error) {
      this.logger.debug(`The outbox could not be read: ${String(error)}`);
    }
  }
}
