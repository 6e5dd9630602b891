import { setTimeout as delay } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { Database, DatabaseUnavailableError } from '../database/database';
import type { Statement } from '../database/database';
import { NotificationListener } from '../database/notification-listener';
import { GatewayInstance } from '../engine/gateway-instance';
import {
  CANCELLED_AMONG,
  CLAIM_JOB,
  FINISH_JOB,
  FORGET_JOBS,
  jobOf,
  PROGRESS_JOB,
  RELEASE_JOB,
} from './job.statements';
import type { JobRow } from './job.statements';
import { JobService } from './job.service';
import type { Job, JobData, JobHandler } from './job.types';

/** Jobs that a process runs at once: they must not crowd out requests. */
const MAX_RUNNING = 2;
/** How soon a job of a process that died is taken over. New jobs come by notification. */
const POLL_INTERVAL_MS = 5_000;
const FORGET_INTERVAL_MS = 3_600_000;
const RETRY_MS = 1_000;
const STOP_TIMEOUT_MS = 10_000;
const MAX_ERROR_CHARS = 2_000;

/** Why a handler is asked to stop. */
class JobInterrupted extends Error {
  override readonly name = 'JobInterrupted';

  constructor(readonly why: 'cancelled' | 'stopping' | 'lost') {
    super(`the job was interrupted: ${why}`);
  }
}

interface RunningJob {
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

/** Runs queued jobs in this process, each in one process at a time, and takes over those whose process is gone. */
@Injectable()
export class JobRunner implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger(JobRunner.name);
  private readonly running = new Map<string, RunningJob>();
  private timers: NodeJS.Timeout[] = [];
  private claiming: Promise<void> | undefined;
  private isClaimWanted = false;
  private isStopping = false;

  constructor(
    private readonly database: Database,
    private readonly jobs: JobService,
    private readonly instance: GatewayInstance,
    private readonly listener: NotificationListener,
  ) {}

  onApplicationBootstrap(): void {
    if (this.jobs.kinds().length === 0) return;
    this.listener.subscribe('vaultaire_jobs', (id) => {
      if (id === undefined || this.running.has(id)) void this.lookForCancelled();
      else this.lookForWork();
    });
    const poll = setInterval(() => {
      this.lookForWork();
      void this.lookForCancelled();
    }, POLL_INTERVAL_MS);
    const forget = setInterval(() => {
      this.database.query(FORGET_JOBS, []).catch(() => undefined);
    }, FORGET_INTERVAL_MS);
    this.timers = [poll.unref(), forget.unref()];
    this.lookForWork();
  }

  /** Before any connection is closed: lets handlers come to a stop, and their jobs go on elsewhere. */
  async beforeApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    for (const timer of this.timers) clearInterval(timer);
    await this.claiming;
    const running = [...this.running.values()];
    for (const { abort } of running) abort.abort(new JobInterrupted('stopping'));
    await Promise.race([
      Promise.all(running.map(({ done }) => done)),
      delay(STOP_TIMEOUT_MS, undefined, { ref: false }),
    ]);
  }

  private lookForWork(): void {
    this.isClaimWanted = true;
    this.claiming ??= this.claim().finally(() => {
      this.claiming = undefined;
      // Asked for after the last look, and before this was told of its end.
      if (this.isClaimWanted && !this.isStopping && this.running.size < MAX_RUNNING) this.lookForWork();
    });
  }

  /** Never rejects. */
  private async claim(): Promise<void> {
    while (this.isClaimWanted && !this.isStopping && this.running.size < MAX_RUNNING) {
      this.isClaimWanted = false;
      try {
        const kinds = this.jobs.kinds();
        const [row] = await this.database.query<JobRow & Record<string, unknown>>(CLAIM_JOB, [this.instance.id, kinds]);
        if (row === undefined) continue;
        // This process was taken for dead while its lock was away, and its handler goes on.
        if (this.running.has(row.id)) return;
        this.isClaimWanted = true;
        this.begin(jobOf(row));
      } catch (error) {
        // The next poll tries again.
        if (!(error instanceof DatabaseUnavailableError)) this.logger.error('Jobs could not be looked for', error);
      }
    }
  }

  private begin(job: Job): void {
    const abort = new AbortController();
    const done = this.run(job, abort).finally(() => {
      this.running.delete(job.id);
      if (!this.isStopping) this.lookForWork();
    });
    this.running.set(job.id, { abort, done });
  }

  /** Never rejects. */
  private async run(job: Job, abort: AbortController): Promise<void> {
    const handler = this.jobs.handlerOf(job.kind);
    if (job.isCancelRequested || handler === undefined) {
      await this.settle(FINISH_JOB, job, ['cancelled', null]);
      return;
    }
    try {
      await this.call(handler, job, abort);
      await this.settle(FINISH_JOB, job, ['done', null]);
    } catch (error) {
      await this.settleFailure(job, abort.signal, error);
    }
  }

  private call(handler: JobHandler, job: Job, abort: AbortController): Promise<void> {
    const progress = async (update: JobData): Promise<void> => {
      abort.signal.throwIfAborted();
      const rows = await this.database.query(PROGRESS_JOB, [job.id, this.instance.id, JSON.stringify(update)]);
      if (rows.length === 0) abort.abort(new JobInterrupted('lost'));
      abort.signal.throwIfAborted();
    };
    return handler(job, { parameters: job.parameters, signal: abort.signal, progress });
  }

  private async settleFailure(job: Job, signal: AbortSignal, error: unknown): Promise<void> {
    const reason: unknown = signal.aborted ? signal.reason : undefined;
    if (reason instanceof JobInterrupted) {
      if (reason.why === 'cancelled') await this.settle(FINISH_JOB, job, ['cancelled', null]);
      if (reason.why === 'stopping') await this.settle(RELEASE_JOB, job, []);
      return;
    }
    if (error instanceof DatabaseUnavailableError) {
      this.logger.warn(`Job ${job.id} (${job.kind}) waits for PostgreSQL`);
      await this.settle(RELEASE_JOB, job, []);
      return;
    }
    this.logger.error(`Job ${job.id} (${job.kind}) failed`, error);
    const text = error instanceof Error ? error.message : String(error);
    await this.settle(FINISH_JOB, job, ['failed', text.slice(0, MAX_ERROR_CHARS)]);
  }

  /** Tries until it is written, or the gateway stops: then the job is taken over once this process is gone. */
  private async settle(statement: Statement, job: Job, values: readonly unknown[]): Promise<void> {
    for (;;) {
      try {
        await this.database.query(statement, [job.id, this.instance.id, ...values]);
        return;
      } catch (error) {
        if (this.isStopping) return;
        this.logger.warn(`The end of job ${job.id} is not written yet`, error);
        await delay(RETRY_MS, undefined, { ref: false });
      }
    }
  }

  /** Never rejects. */
  private async lookForCancelled(): Promise<void> {
    if (this.running.size === 0) return;
    try {
      const rows = await this.database.query<{ id: string }>(CANCELLED_AMONG, [[...this.running.keys()]]);
      for (const { id } of rows) this.running.get(id)?.abort.abort(new JobInterrupted('cancelled'));
    } catch {
      // The next poll asks again.
    }
  }
}
