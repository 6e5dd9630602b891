import { Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Environment } from '../config/environment';
import { VaultaireConfig } from '../config/vaultaire-config';
import type { CanaryConfig } from '../config/vaultaire-config';
import { Database } from '../database/database';
import type { Statement } from '../database/database';
import { PeriodicTurn } from '../database/periodic-turn';
import { CanaryMetrics } from '../metrics/canary.metrics';
import { CanaryFailure, runCanary } from './canary-run';
import { ensureCanaryTenant } from './canary-tenant';

const FORGET: Statement = { name: 'canary-forget', text: `DELETE FROM periodic_jobs WHERE name = 'canary'` };

/**
 * Uses the gateway as a client does, on a timer, where that is configured: probes of health stay green through real outages, of the
 * proxy, the address, the certificate, the backend. Of all processes on the database, one does so at a time.
 */
@Injectable()
export class CanaryService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Canary');
  private readonly stopping = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private countedAtMs = -Infinity;

  constructor(
    private readonly database: Database,
    private readonly dataSource: DataSource,
    private readonly environment: Environment,
    private readonly config: VaultaireConfig,
    private readonly metrics: CanaryMetrics,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const { canary } = this.config;
    if (canary === undefined) {
      // Nobody is to wait for a canary that was switched off.
      await this.database.query(FORGET, []);
      return;
    }
    // Oftener than it is due, so that a process that died is followed soon.
    this.timer = setInterval(() => {
      this.running ??= this.runIfDue(canary).finally(() => {
        this.running = undefined;
      });
    }, canary.intervalSeconds * 250);
    this.timer.unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    this.stopping.abort();
    await this.running;
  }

  /** Never rejects. */
  private async runIfDue(canary: CanaryConfig): Promise<void> {
    const startedAtMs = performance.now();
    const turn = new PeriodicTurn(this.database, 'canary', canary.intervalSeconds, canary.intervalSeconds);
    try {
      if (!(await turn.claim())) return;
      const { accessKeyId, secretKey } = await ensureCanaryTenant(this.dataSource, this.environment);
      const target = {
        endpoint: canary.endpoint,
        bucket: canary.bucket,
        region: this.environment.region,
        accessKeyId,
        secretAccessKey: secretKey,
      };
      await runCanary(
        target,
        (step, seconds) => {
          this.metrics.stepped(step, seconds);
        },
        this.stopping.signal,
      );
      this.metrics.ended('ok');
      await turn.succeeded(startedAtMs);
    } catch (error) {
      if (this.stopping.signal.aborted) return;
      if (this.counts(canary, error)) await turn.failed(error);
    }
  }

  /** False: this failure counts with an earlier one. */
  private counts(canary: CanaryConfig, error: unknown): boolean {
    if (error instanceof CanaryFailure) this.metrics.ended(error.step);
    else {
      // Without PostgreSQL no process can tell whose turn it is: each counts, once an interval.
      if (performance.now() - this.countedAtMs < canary.intervalSeconds * 1_000) return false;
      this.countedAtMs = performance.now();
      this.metrics.ended('prepare');
    }
    this.logger.warn('The canary failed', error);
    return true;
  }
}
