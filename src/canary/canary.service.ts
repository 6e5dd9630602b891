import { Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Environment } from '../config/environment';
import { VaultaireConfig } from '../config/vaultaire-config';
import type { CanaryConfig } from '../config/vaultaire-config';
import { Database } from '../database/database';
import type { Statement } from '../database/database';
import { CanaryMetrics } from '../metrics/canary.metrics';
import { CanaryFailure, runCanary } from './canary-run';
import { ensureCanaryTenant } from './canary-tenant';

const CLAIM: Statement = {
  name: 'canary-claim',
  text: `SELECT vaultaire_claim_job('canary', make_interval(secs => $1), make_interval(secs => $1)) AS is_mine`,
};
const SUCCEEDED: Statement = {
  name: 'canary-succeeded',
  text: `UPDATE periodic_jobs SET succeeded_at = clock_timestamp(), duration_ms = $1, error = NULL WHERE name = 'canary'`,
};
const FAILED: Statement = {
  name: 'canary-failed',
  text: `UPDATE periodic_jobs SET error = $1, claimed_at = clock_timestamp() WHERE name = 'canary'`,
};
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
    try {
      const [claim] = await this.database.query<{ is_mine: boolean }>(CLAIM, [canary.intervalSeconds]);
      if (claim?.is_mine !== true) return;
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
      await this.database.query(SUCCEEDED, [performance.now() - startedAtMs]);
    } catch (error) {
      if (this.stopping.signal.aborted) return;
      await this.failed(canary, error);
    }
  }

  private async failed(canary: CanaryConfig, error: unknown): Promise<void> {
    if (error instanceof CanaryFailure) this.metrics.ended(error.step);
    else {
      // Without PostgreSQL no process can tell whose turn it is: each counts, once an interval.
      if (performance.now() - this.countedAtMs < canary.intervalSeconds * 1_000) return;
      this.countedAtMs = performance.now();
      this.metrics.ended('prepare');
    }
    this.logger.warn('The canary failed', error);
    const reason = error instanceof Error ? error.message : String(error);
    await this.database.query(FAILED, [reason]).catch(() => undefined);
  }
}
