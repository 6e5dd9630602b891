import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { Injectable, Logger } from '@nestjs/common';
import { VaultaireConfig } from '../../config/vaultaire-config';
import { Database } from '../../database/database';
import { PeriodicTurn } from '../../database/periodic-turn';
import { EVENT_JOBS } from './event-jobs';
import type { PeriodicJob } from './event-jobs';

const LOOK_INTERVAL_MS = 60_000;
/** After which another gateway takes a job for abandoned. Longer than any step of a job may take. */
const LEASE_SECONDS = 1_800;

/** Keeps the event log in order: partitions ahead, retention, roll-ups. Of all gateways on the database, one does each job at a time. */
@Injectable()
export class PeriodicJobsService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('EventLog');
  private readonly stopping = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;

  constructor(
    private readonly database: Database,
    private readonly config: VaultaireConfig,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.look();
    }, LOOK_INTERVAL_MS);
    this.timer.unref();
    this.look();
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    this.stopping.abort();
    await this.running;
  }

  private look(): void {
    this.running ??= this.runAll().finally(() => {
      this.running = undefined;
    });
  }

  private async runAll(): Promise<void> {
    for (const job of EVENT_JOBS) {
      if (this.stopping.signal.aborted) return;
      await this.runIfDue(job);
    }
  }

  private async runIfDue(job: PeriodicJob): Promise<void> {
    const startedAtMs = performance.now();
    const turn = new PeriodicTurn(this.database, job.name, job.intervalSeconds, LEASE_SECONDS);
    try {
      if (!(await turn.claim())) return;
      await job.run(this.database, this.config, this.stopping.signal);
      await turn.succeeded(startedAtMs);
    } catch (error) {
      this.logger.warn(`The job ${job.name} failed and is tried again later`, error);
      await turn.failed(error);
    }
  }
}
