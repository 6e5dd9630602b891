import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { effectivePolicy } from '../../context/policy/effective-policy';
import type { ContainerQuota, QuotaBounds, TenantPolicy } from '../../context/policy/tenant-policy';
import type { Database, Queryable, Statement } from '../../database/database';
import { IntervalJob } from './interval-job';

const TRY_LOCK: Statement = { name: 'watch_quotas_lock', text: 'SELECT pg_try_advisory_xact_lock(4, 6) AS is_mine' };

const sums = (where: string): string => `CROSS JOIN LATERAL (
    SELECT coalesce(sum(u.bytes), 0) AS bytes, coalesce(sum(u.artifacts), 0) AS artifacts FROM usage_counters u WHERE ${where}
  ) held`;

const LIST_TENANTS: Statement = {
  name: 'watch_tenant_quotas',
  text: `SELECT t.id AS tenant_id, t.policy AS tenant_policy, p.policy AS plan_policy, held.bytes, held.artifacts,
      coalesce(e.bytes, 0) AS egress_bytes
    FROM tenants t LEFT JOIN plans p ON p.name = t.plan
      ${sums('u.tenant_id = t.id AND u.scope = 1')}
      LEFT JOIN tenant_egress e ON e.tenant_id = t.id
        AND e.month = date_trunc('month', now() AT TIME ZONE 'UTC')::date
    WHERE jsonb_path_exists(t.policy, '$.quota.*.soft') OR jsonb_path_exists(p.policy, '$.quota.*.soft')`,
};

const LIST_CONTAINERS: Statement = {
  name: 'watch_container_quotas',
  text: `SELECT c.tenant_id, c.id AS container_id, c.quota, held.bytes, held.artifacts
    FROM containers c ${sums('u.tenant_id = c.tenant_id AND u.scope = 2 AND u.container_id = c.id')}
    WHERE jsonb_path_exists(c.quota, '$.*.soft')`,
};

const MARK_CROSSINGS: Statement = {
  name: 'mark_quota_crossings',
  text: 'SELECT vaultaire_mark_crossings($1, $2, $3, $4, $5) AS count',
};

interface HeldRow {
  readonly tenant_id: string;
  readonly bytes: string;
  readonly artifacts: string;
}

interface TenantRow extends HeldRow {
  readonly tenant_policy: TenantPolicy;
  readonly plan_policy: TenantPolicy | null;
  readonly egress_bytes: string;
}

interface ContainerRow extends HeldRow {
  readonly container_id: string;
  readonly quota: ContainerQuota;
}

interface Gauge {
  readonly tenantId: string;
  /** `'0'`: the tenant as a whole. */
  readonly containerId: string;
  readonly quota: string;
  readonly used: string;
  readonly soft: number;
}

/**
 * Announces the approach to soft quotas: a domain event `quota.threshold` once for each of 80, 90 and 100 per cent that is reached, and
 * again after usage was below. Any number of gateways look; one at a time decides.
 */
export class QuotaWatcher implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly job: IntervalJob;

  constructor(
    private readonly database: Database,
    options: { readonly intervalMs: number },
  ) {
    this.job = new IntervalJob(QuotaWatcher.name, options.intervalMs, () => this.check());
  }

  onApplicationBootstrap(): void {
    this.job.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.job.stop();
  }

  /** Resolves to the number of events written; 0 also while another gateway looks. */
  async check(): Promise<number> {
    return this.database.transaction(async (tx) => {
      const [lock] = await tx.query<{ is_mine: boolean }>(TRY_LOCK, []);
      if (lock?.is_mine !== true) return 0;
      const gauges = await readGauges(tx);
      const [marked] = await tx.query<{ count: string }>(MARK_CROSSINGS, [
        gauges.map((gauge) => gauge.tenantId),
        gauges.map((gauge) => gauge.containerId),
        gauges.map((gauge) => gauge.quota),
        gauges.map((gauge) => gauge.used),
        gauges.map((gauge) => gauge.soft),
      ]);
      return Number(marked?.count ?? 0);
    });
  }
}

/** Everything that has a soft quota, with what is used of it. */
async function readGauges(tx: Queryable): Promise<Gauge[]> {
  const tenants = await tx.query<TenantRow & Readonly<Record<string, unknown>>>(LIST_TENANTS, []);
  const containers = await tx.query<ContainerRow & Readonly<Record<string, unknown>>>(LIST_CONTAINERS, []);
  return [
    ...tenants.flatMap((row) => {
      const { quota } = effectivePolicy(row.plan_policy, row.tenant_policy);
      const tenantId = row.tenant_id;
      return [
        ...gaugeOf(tenantId, '0', 'bytes', row.bytes, quota.bytes),
        ...gaugeOf(tenantId, '0', 'artifacts', row.artifacts, quota.artifacts),
        ...gaugeOf(tenantId, '0', 'monthlyEgressBytes', row.egress_bytes, quota.monthlyEgressBytes),
      ];
    }),
    ...containers.flatMap((row) => [
      ...gaugeOf(row.tenant_id, row.container_id, 'bytes', row.bytes, row.quota.bytes),
      ...gaugeOf(row.tenant_id, row.container_id, 'artifacts', row.artifacts, row.quota.artifacts),
    ]),
  ];
}

function gaugeOf(
  tenantId: string,
  containerId: string,
  quota: string,
  used: string,
  bounds: QuotaBounds | undefined,
): Gauge[] {
  const soft = bounds?.soft;
  return typeof soft === 'number' ? [{ tenantId, containerId, quota, used, soft }] : [];
}
