import { Injectable } from '@nestjs/common';
import { containerId as toContainerId, tenantId as toTenantId } from '../../context/ids';
import type { ContainerId, TenantId } from '../../context/ids';
import { Database } from '../../database/database';
import {
  FIND_CONTAINER_USAGE,
  FIND_TENANT_USAGE,
  LIFT_STATEMENT_TIMEOUT,
  LIST_USAGE_HISTORY,
  RECONCILE_USAGE,
} from './usage.statements';
import type { TenantUsage, Usage, UsageDrift, UsagePeriod, UsageStep } from './usage.types';

/** The container of the rows that speak of a tenant as a whole. */
const WHOLE_TENANT = '0';

interface UsageRow {
  readonly bytes: string;
  readonly artifacts: string;
}

interface TenantUsageRow extends UsageRow {
  readonly uploads_bytes: string;
  readonly egress_bytes: string;
  readonly containers: string;
  readonly access_keys: string;
}

interface HistoryRow {
  readonly start: Date;
  readonly bytes: string | null;
  readonly artifacts: string | null;
  readonly bytes_in: string;
  readonly bytes_out: string;
  readonly requests: string;
}

interface DriftRow {
  readonly tenant_id: string;
  readonly container_id: string;
  readonly counted_bytes: string;
  readonly counted_artifacts: string;
  readonly actual_bytes: string;
  readonly actual_artifacts: string;
}

/**
 * What tenants and containers use. Bytes and artifacts are exact as of the question; a tenant or container that does not
 * exist uses nothing. All methods throw `DatabaseUnavailableError` when PostgreSQL is away.
 */
@Injectable()
export class UsageService {
  constructor(private readonly database: Database) {}

  async now(tenant: TenantId): Promise<TenantUsage> {
    const [row] = await this.database.query<TenantUsageRow & Readonly<Record<string, unknown>>>(FIND_TENANT_USAGE, [
      tenant,
    ]);
    if (row === undefined) throw new Error('an aggregate without groups returned no row');
    return {
      ...toUsage(row),
      uploadsBytes: Number(row.uploads_bytes),
      egressBytesThisMonth: Number(row.egress_bytes),
      containers: Number(row.containers),
      accessKeys: Number(row.access_keys),
    };
  }

  async ofContainer(container: ContainerId): Promise<Usage> {
    const [row] = await this.database.query<UsageRow & Readonly<Record<string, unknown>>>(FIND_CONTAINER_USAGE, [
      container,
    ]);
    return row === undefined ? { bytes: 0, artifacts: 0 } : toUsage(row);
  }

  /**
   * From `from` (inclusive) to `to` (exclusive), oldest first; hours and days are of UTC. Periods in which nothing was sampled
   * and nothing transferred are left out. `container` undefined: the tenant as a whole.
   */
  async history(
    tenant: TenantId,
    from: Date,
    to: Date,
    step: UsageStep,
    container?: ContainerId,
  ): Promise<UsagePeriod[]> {
    const rows = await this.database.query<HistoryRow & Readonly<Record<string, unknown>>>(LIST_USAGE_HISTORY, [
      tenant,
      container ?? WHOLE_TENANT,
      from,
      to,
      step,
    ]);
    return rows.map((row) => ({
      start: row.start,
      bytes: row.bytes === null ? undefined : Number(row.bytes),
      artifacts: row.artifacts === null ? undefined : Number(row.artifacts),
      bytesIn: Number(row.bytes_in),
      bytesOut: Number(row.bytes_out),
      requests: Number(row.requests),
    }));
  }

  /**
   * Counts every tenant and container again from the rows, while gateways run, and reports where the counters differ: nowhere, unless
   * rows were changed by hand. `apply`: puts them right. Reads every version, which takes its time.
   */
  async reconcile({ apply }: { readonly apply: boolean }): Promise<UsageDrift[]> {
    const rows = await this.database.transaction(async (tx) => {
      await tx.query(LIFT_STATEMENT_TIMEOUT, []);
      return tx.query<DriftRow & Readonly<Record<string, unknown>>>(RECONCILE_USAGE, [apply]);
    });
    return rows.map((row) => ({
      tenantId: toTenantId(row.tenant_id),
      containerId: row.container_id === WHOLE_TENANT ? undefined : toContainerId(row.container_id),
      counted: { bytes: Number(row.counted_bytes), artifacts: Number(row.counted_artifacts) },
      actual: { bytes: Number(row.actual_bytes), artifacts: Number(row.actual_artifacts) },
    }));
  }
}

function toUsage(row: UsageRow): Usage {
  return { bytes: Number(row.bytes), artifacts: Number(row.artifacts) };
}
