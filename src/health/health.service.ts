import { Injectable } from '@nestjs/common';
import { tenantId } from '../context/ids';
import { systemContext } from '../context/operation-context';
import { Database } from '../database/database';
import type { Driver } from '../drivers/driver';
import { DriverRegistry } from '../drivers/driver.registry';
import { Placements } from '../engine/placement/placements';

export interface HealthCheck {
  /** `database`, `driver:<name>`, or `source:<name>`. */
  readonly name: string;
  readonly isHealthy: boolean;
  readonly latencyMs: number;
  /** Why not; only when it is not healthy. */
  readonly reason?: string;
}

export interface Readiness {
  /** PostgreSQL answers, and every placement has its quorum of healthy drivers: no request need be refused for want of one. */
  readonly isReady: boolean;
  readonly checks: readonly HealthCheck[];
}

const PING = { name: 'health-ping', text: 'SELECT 1' };
const TIMEOUT_MS = 2_000;
const MAX_AGE_MS = 1_000;
/** Probe blobs are nobody's. */
const NO_TENANT = tenantId('00000000-0000-0000-0000-000000000000');

/** Asks what the gateway depends on how it is. An answer serves everybody who asks within a second. */
@Injectable()
export class HealthService {
  private latest: { readonly readiness: Promise<Readiness>; readonly askedAtMs: number } | undefined;

  constructor(
    private readonly database: Database,
    private readonly drivers: DriverRegistry,
    private readonly placements: Placements,
  ) {}

  /** Never rejects; takes some two seconds at the most. */
  readiness(): Promise<Readiness> {
    const nowMs = performance.now();
    if (this.latest === undefined || nowMs - this.latest.askedAtMs >= MAX_AGE_MS) {
      this.latest = { readiness: this.check(), askedAtMs: nowMs };
    }
    return this.latest.readiness;
  }

  /** Of attached sources, on which readiness does not depend: nothing is written there. Takes some two seconds at the most. */
  sources(): Promise<readonly HealthCheck[]> {
    return Promise.all(this.drivers.allAttached().map((driver) => timed(`source:${driver.name}`, () => probe(driver))));
  }

  private async check(): Promise<Readiness> {
    const checks = await Promise.all([
      timed('database', () => this.pingDatabase()),
      ...this.drivers.all().map((driver) => timed(`driver:${driver.name}`, () => probe(driver))),
    ]);
    return { isReady: this.isReady(checks), checks };
  }

  private isReady(checks: readonly HealthCheck[]): boolean {
    const healthy = new Set(checks.filter(({ isHealthy }) => isHealthy).map(({ name }) => name));
    return (
      healthy.has('database') &&
      [...this.placements.byName.values()].every(
        ({ drivers, quorum }) => drivers.filter((name) => healthy.has(`driver:${name}`)).length >= quorum,
      )
    );
  }

  private async pingDatabase(): Promise<string | undefined> {
    await this.database.query(PING, []);
    return undefined;
  }
}

async function probe(driver: Driver): Promise<string | undefined> {
  const health = await driver.health(systemContext('health', NO_TENANT, AbortSignal.timeout(TIMEOUT_MS)));
  return health.isHealthy ? undefined : health.reason;
}

/** Runs `check`, which answers what is wrong, within the time that is given. */
async function timed(name: string, check: () => Promise<string | undefined>): Promise<HealthCheck> {
  const startedAtMs = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, TIMEOUT_MS, `No answer within ${String(TIMEOUT_MS)} ms`);
  });
  const reason = await Promise.race([
    check().catch((error: unknown) => (error instanceof Error ? error.message : String(error))),
    timeout,
  ]);
  clearTimeout(timer);
  const latencyMs = Math.round((performance.now() - startedAtMs) * 10) / 10;
  return reason === undefined ? { name, isHealthy: true, latencyMs } : { name, isHealthy: false, latencyMs, reason };
}
