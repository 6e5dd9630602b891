import type { ContainerId, TenantId } from '../../context/ids';

/** What a tenant or a container holds: all versions, and the parts of uploads in progress. */
export interface Usage {
  readonly bytes: number;
  /** Versions, without delete markers. */
  readonly artifacts: number;
}

/** What a tenant uses now. */
export interface TenantUsage extends Usage {
  /** Of `bytes`, those of uploads in progress. */
  readonly uploadsBytes: number;
  /** Sent in answers since the month began (UTC); a second or two behind. */
  readonly egressBytesThisMonth: number;
  readonly containers: number;
  /** Active and not expired. */
  readonly accessKeys: number;
}

export type UsageStep = 'hour' | 'day';

/** An hour or a day (UTC) of a tenant or a container. */
export interface UsagePeriod {
  readonly start: Date;
  /** As last sampled in the period, which is once an hour; undefined where no gateway ran. */
  readonly bytes: number | undefined;
  readonly artifacts: number | undefined;
  /** Bytes of bodies that came in, and that went out. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly requests: number;
}

/** A scope whose counters differ from the rows they count. */
export interface UsageDrift {
  readonly tenantId: TenantId;
  /** Undefined: the tenant as a whole. */
  readonly containerId: ContainerId | undefined;
  readonly counted: Usage;
  readonly actual: Usage;
}
