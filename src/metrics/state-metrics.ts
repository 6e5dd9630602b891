import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { Injectable, Logger } from '@nestjs/common';
import { InjectMetric } from '@willsoto/nestjs-prometheus';
import { Database } from '../database/database';
import {
  BLOBS,
  EVENT_LOOP_LAG_SECONDS,
  JOB_LAST_DURATION_SECONDS,
  JOB_LAST_SUCCESS_TIMESTAMP_SECONDS,
  REPLICAS_LAG_SECONDS,
  REPLICAS_WAITING,
  TENANT_QUOTA_USED_RATIO,
  TENANT_USED_BYTES,
} from './metrics.constants';
import type { LabelledValue } from './resolved-metrics';
import { SampledGauge } from './resolved-metrics';

const REFRESH_INTERVAL_MS = 30_000;
/** Bounds the number of series, however many tenants there are. */
const TOP_TENANTS = 20;
const EVENT_LOOP_RESOLUTION_MS = 20;
const NANOSECONDS = 1e9;

/** Live blobs are as many as PostgreSQL's statistics say: counting them would read the table. */
const BLOB_COUNTS = {
  name: 'metrics-blobs',
  text: `SELECT (SELECT count(*) FROM blobs WHERE state = 'writing') AS writing,
      (SELECT count(*) FROM blobs WHERE state = 'doomed') AS doomed,
      (SELECT greatest(reltuples, 0) FROM pg_class WHERE oid = 'blobs'::regclass) AS total`,
};
/** Few rows, by an index of their own, unless a backend has been away for long. Writes under way are not waiting. */
const WAITING_REPLICAS = {
  name: 'metrics-replicas',
  text: `SELECT r.driver, r.state, count(*)::integer AS count,
      extract(epoch FROM now() - min(r.since))::double precision AS age_seconds
    FROM blob_replicas r JOIN blobs b ON b.id = r.blob_id
    WHERE r.state IN ('pending', 'missing', 'corrupt') AND b.state = 'live' GROUP BY r.driver, r.state
    UNION ALL
    SELECT driver, state, count(*)::integer, extract(epoch FROM now() - min(since))::double precision
    FROM blob_replicas WHERE state = 'doomed' GROUP BY driver, state`,
};
const JOBS = {
  name: 'metrics-jobs',
  text: `SELECT name, extract(epoch FROM succeeded_at)::double precision AS succeeded_at, duration_ms
    FROM periodic_jobs WHERE succeeded_at IS NOT NULL ORDER BY name LIMIT 50`,
};
const TENANT_BYTES = {
  name: 'metrics-tenant-bytes',
  text: `SELECT t.name, sum(u.bytes)::double precision AS bytes FROM usage_counters u JOIN tenants t ON t.id = u.tenant_id
    WHERE u.scope = 1 GROUP BY t.name ORDER BY 2 DESC, 1 LIMIT ${TOP_TENANTS}`,
};
/** The tenant's own bound decides, also when it is lifted (null); else the plan's. */
const TENANT_QUOTAS = {
  name: 'metrics-tenant-quotas',
  text: `WITH used AS (
      SELECT tenant_id, 'bytes' AS quota, sum(bytes) AS amount FROM usage_counters WHERE scope = 1 GROUP BY tenant_id
      UNION ALL
      SELECT tenant_id, 'artifacts', sum(artifacts) FROM usage_counters WHERE scope = 1 GROUP BY tenant_id
      UNION ALL
      SELECT tenant_id, 'monthlyEgressBytes', bytes FROM tenant_egress
        WHERE month = date_trunc('month', now() AT TIME ZONE 'UTC')::date
    ), bounded AS (
      SELECT t.name, u.quota, u.amount, CASE
          WHEN t.policy #> ARRAY['quota', u.quota, 'hard'] IS NOT NULL THEN t.policy #>> ARRAY['quota', u.quota, 'hard']
          ELSE p.policy #>> ARRAY['quota', u.quota, 'hard']
        END::numeric AS bound
      FROM used u JOIN tenants t ON t.id = u.tenant_id LEFT JOIN plans p ON p.name = t.plan
    ), ranked AS (
      SELECT name, quota, (amount / bound)::double precision AS ratio,
        row_number() OVER (PARTITION BY quota ORDER BY amount / bound DESC, name) AS place
      FROM bounded WHERE bound > 0
    )
    SELECT name, quota, ratio FROM ranked WHERE place <= ${TOP_TENANTS}`,
};

/**
 * What the database knows of the whole installation, read twice a minute: every process shows the same, so that the largest
 * is right for all. Keeps the last figures while PostgreSQL is away.
 */
@Injectable()
export class StateMetrics implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Metrics');
  private readonly delay = monitorEventLoopDelay({ resolution: EVENT_LOOP_RESOLUTION_MS });
  private blobs: LabelledValue<'state'>[] = [];
  private waitingReplicas: LabelledValue<'driver' | 'state'>[] = [];
  private replicaLags: LabelledValue<'driver'>[] = [];
  private successes: LabelledValue<'job'>[] = [];
  private durations: LabelledValue<'job'>[] = [];
  private usedBytes: LabelledValue<'tenant'>[] = [];
  private usedRatios: LabelledValue<'tenant' | 'quota'>[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly database: Database,
    @InjectMetric(BLOBS) blobs: SampledGauge<'state'>,
    @InjectMetric(REPLICAS_WAITING) waitingReplicas: SampledGauge<'driver' | 'state'>,
    @InjectMetric(REPLICAS_LAG_SECONDS) replicaLags: SampledGauge<'driver'>,
    @InjectMetric(JOB_LAST_SUCCESS_TIMESTAMP_SECONDS) successes: SampledGauge<'job'>,
    @InjectMetric(JOB_LAST_DURATION_SECONDS) durations: SampledGauge<'job'>,
    @InjectMetric(TENANT_USED_BYTES) usedBytes: SampledGauge<'tenant'>,
    @InjectMetric(TENANT_QUOTA_USED_RATIO) usedRatios: SampledGauge<'tenant' | 'quota'>,
    @InjectMetric(EVENT_LOOP_LAG_SECONDS) lag: SampledGauge<never>,
  ) {
    blobs.sampleAll(() => this.blobs);
    waitingReplicas.sampleAll(() => this.waitingReplicas);
    replicaLags.sampleAll(() => this.replicaLags);
    successes.sampleAll(() => this.successes);
    durations.sampleAll(() => this.durations);
    usedBytes.sampleAll(() => this.usedBytes);
    usedRatios.sampleAll(() => this.usedRatios);
    lag.sample({}, () => this.takeLag());
  }

  async onApplicationBootstrap(): Promise<void> {
    this.delay.enable();
    this.timer = setInterval(() => void this.refresh(), REFRESH_INTERVAL_MS);
    this.timer.unref();
    await this.refresh();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
    this.delay.disable();
  }

  /** The longest since the last reading. */
  private takeLag(): number {
    const lagNs = Math.max(0, this.delay.max - EVENT_LOOP_RESOLUTION_MS * 1e6);
    this.delay.reset();
    return lagNs / NANOSECONDS;
  }

  private async refresh(): Promise<void> {
    try {
      await this.readBlobs();
      await this.readReplicas();
      await this.readJobs();
      await this.readTenants();
    } catch (error) {
      this.logger.debug(`The state of the installation could not be read: ${String(error)}`);
    }
  }

  private async readBlobs(): Promise<void> {
    const [row] = await this.database.query<{ writing: string; doomed: string; total: number }>(BLOB_COUNTS, []);
    if (row === undefined) return;
    const [writing, doomed] = [Number(row.writing), Number(row.doomed)];
    this.blobs = [
      { labels: { state: 'writing' }, value: writing },
      { labels: { state: 'doomed' }, value: doomed },
      { labels: { state: 'live' }, value: Math.max(0, row.total - writing - doomed) },
    ];
  }

  private async readReplicas(): Promise<void> {
    const rows = await this.database.query<{ driver: string; state: string; count: number; age_seconds: number }>(
      WAITING_REPLICAS,
      [],
    );
    this.waitingReplicas = rows.map(({ driver, state, count }) => ({ labels: { driver, state }, value: count }));
    const lags = new Map<string, number>();
    for (const { driver, state, age_seconds: age } of rows) {
      if (state !== 'doomed') lags.set(driver, Math.max(age, lags.get(driver) ?? 0));
    }
    this.replicaLags = [...lags].map(([driver, value]) => ({ labels: { driver }, value }));
  }

  private async readJobs(): Promise<void> {
    const rows = await this.database.query<{ name: string; succeeded_at: number; duration_ms: number }>(JOBS, []);
    this.successes = rows.map((row) => ({ labels: { job: row.name }, value: row.succeeded_at }));
    this.durations = rows.map((row) => ({ labels: { job: row.name }, value: row.duration_ms / 1_000 }));
  }

  private async readTenants(): Promise<void> {
    const used = await this.database.query<{ name: string; bytes: number }>(TENANT_BYTES, []);
    this.usedBytes = used.map(({ name, bytes }) => ({ labels: { tenant: name }, value: bytes }));
    const quotas = await this.database.query<{ name: string; quota: string; ratio: number }>(TENANT_QUOTAS, []);
    this.usedRatios = quotas.map(({ name, quota, ratio }) => ({ labels: { tenant: name, quota }, value: ratio }));
  }
}
