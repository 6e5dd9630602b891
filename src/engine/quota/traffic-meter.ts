import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import type { OperationContext } from '../../context/operation-context';
import type { RequestObserver } from '../../context/request-observer';
import type { RequestRecord } from '../../context/request-record';
import { Database } from '../../database/database';
import { EngineError } from '../engine.errors';
import { FreshValues } from './fresh-values';
import { IntervalJob } from './interval-job';
import { ADD_TRAFFIC, FIND_EGRESS } from './usage.statements';

const FLUSH_INTERVAL_MS = 1_000;
const MAX_EGRESS_AGE_MS = 2_000;
/** Distinct tenants and containers between two flushes; what goes beyond is counted for its tenant alone. */
const MAX_ENTRIES = 10_000;

interface Traffic {
  readonly tenantId: string;
  readonly container: string | undefined;
  bytesIn: number;
  bytesOut: number;
  requests: number;
}

interface EgressRow {
  readonly tenant_id: string;
  readonly egress_bytes: string;
}

/**
 * Counts what tenants transfer, for the history and for the quota of monthly egress. Counts are written every second; a process that is
 * killed loses those of its last second.
 */
@Injectable()
export class TrafficMeter implements RequestObserver, OnApplicationBootstrap, BeforeApplicationShutdown {
  private pending = new Map<string, Traffic>();
  /** Bytes sent that the month's sum may not have yet, by tenant. */
  private readonly unwritten = new Map<string, number>();
  private readonly egress: FreshValues<{ readonly bytes: number }>;
  private readonly job = new IntervalJob(TrafficMeter.name, FLUSH_INTERVAL_MS, () => this.flush());

  constructor(private readonly database: Database) {
    this.egress = new FreshValues((tenant) => this.loadEgress(tenant), MAX_EGRESS_AGE_MS);
  }

  onApplicationBootstrap(): void {
    this.job.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.job.stop();
    await this.flush().catch(() => undefined);
  }

  requestSettled({ tenantId, container, bytesIn, bytesOut }: RequestRecord): void {
    if (tenantId === undefined) return;
    this.add({ tenantId, container, bytesIn, bytesOut, requests: 1 });
    if (bytesOut > 0) this.unwritten.set(tenantId, (this.unwritten.get(tenantId) ?? 0) + bytesOut);
  }

  /**
   * Undefined: the tenant may read on. The promise rejects with `QuotaExceeded`, which is also thrown, once the bytes of the month have
   * reached the hard quota: as known here, a second or two behind what other processes send, and without what is
   * being sent.
   */
  admitRead(ctx: OperationContext): Promise<void> | undefined {
    const limit = ctx.quota?.monthlyEgressBytes?.hard;
    if (typeof limit !== 'number') return undefined;
    const known = this.egress.peek(ctx.tenantId);
    if (known === undefined) {
      return this.egress.load(ctx.tenantId).then(({ bytes }) => {
        this.assertBelow(ctx, bytes, limit);
      });
    }
    this.assertBelow(ctx, known.bytes, limit);
    return undefined;
  }

  private assertBelow(ctx: OperationContext, writtenBytes: number, limit: number): void {
    if (writtenBytes + (this.unwritten.get(ctx.tenantId) ?? 0) < limit) return;
    throw new EngineError({ kind: 'QuotaExceeded', scope: 'tenant', quota: 'monthlyEgressBytes', limit });
  }

  private add(traffic: Traffic): void {
    const container = this.pending.size < MAX_ENTRIES ? traffic.container : undefined;
    const key = container === undefined ? traffic.tenantId : `${traffic.tenantId}/${container}`;
    const sum = this.pending.get(key);
    if (sum === undefined) {
      this.pending.set(key, { ...traffic, container });
      return;
    }
    sum.bytesIn += traffic.bytesIn;
    sum.bytesOut += traffic.bytesOut;
    sum.requests += traffic.requests;
  }

  private async flush(): Promise<void> {
    if (this.pending.size === 0) return;
    const batch = [...this.pending.values()];
    this.pending = new Map();
    try {
      const rows = await this.database.query<EgressRow & Readonly<Record<string, unknown>>>(ADD_TRAFFIC, [
        batch.map((traffic) => traffic.tenantId),
        batch.map((traffic) => traffic.container ?? null),
        batch.map((traffic) => traffic.bytesIn),
        batch.map((traffic) => traffic.bytesOut),
        batch.map((traffic) => traffic.requests),
      ]);
      for (const { tenant_id: tenantId, egress_bytes: bytes } of rows) {
        this.egress.set(tenantId, { bytes: Number(bytes) });
      }
      for (const { tenantId, bytesOut } of batch) this.forgetUnwritten(tenantId, bytesOut);
    } catch (error) {
      for (const traffic of batch) this.add(traffic);
      throw error;
    }
  }

  private forgetUnwritten(tenantId: string, bytesOut: number): void {
    const left = (this.unwritten.get(tenantId) ?? 0) - bytesOut;
    if (left > 0) this.unwritten.set(tenantId, left);
    else this.unwritten.delete(tenantId);
  }

  private async loadEgress(tenantId: string): Promise<{ readonly bytes: number }> {
    const [row] = await this.database.read<{ bytes: string }>(FIND_EGRESS, [tenantId]);
    return { bytes: Number(row?.bytes ?? 0) };
  }
}
