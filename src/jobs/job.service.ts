import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { Database } from '../database/database';
import type { Queryable } from '../database/database';
import { CANCEL_JOB, INSERT_JOB, jobOf, LIST_JOBS, SELECT_JOB } from './job.statements';
import type { JobRow } from './job.statements';
import type { Job, JobData, JobHandler, JobState } from './job.types';

export interface EnqueueOptions {
  /** Whose job it is: shown to administrators of the tenant. Undefined: the operators' own. */
  readonly tenantId?: string | undefined;
  /** Who asked: `AdminCaller.actor`, or `system:<what>`. */
  readonly createdBy: string;
  /** Adds the job in this transaction: it begins when that commits, or never. */
  readonly within?: Queryable;
}

export interface JobFilter {
  readonly tenantId?: string | undefined;
  readonly kind?: string | undefined;
  readonly state?: JobState | undefined;
  /** Id of the last job of the page before. */
  readonly after?: string | undefined;
}

/** The outcome of asking a job to stop. */
export type Cancellation =
  { readonly kind: 'requested'; readonly job: Job } | { readonly kind: 'over'; readonly job: Job } | undefined;

type Row = JobRow & Record<string, unknown>;

/** Queues long work and tells how it goes. Who does work of a kind registers its handler when its module starts. */
@Injectable()
export class JobService {
  private readonly handlers = new Map<string, JobHandler>();

  constructor(private readonly database: Database) {}

  /**
   * Work of `kind` may be given to `handler` from the start of the application on: call it in `onModuleInit`, in every process.
   *
   * @throws Error when the kind has a handler already
   */
  registerHandler(kind: string, handler: JobHandler): void {
    if (this.handlers.has(kind)) throw new Error(`jobs of kind ${kind} have a handler already`);
    this.handlers.set(kind, handler);
  }

  handlerOf(kind: string): JobHandler | undefined {
    return this.handlers.get(kind);
  }

  kinds(): readonly string[] {
    return [...this.handlers.keys()];
  }

  /**
   * Queues a job; some process with a handler for `kind` begins it within moments.
   *
   * @throws DatabaseUnavailableError
   */
  async enqueue(kind: string, parameters: JobData, { tenantId, createdBy, within }: EnqueueOptions): Promise<Job> {
    const values = [uuidv7(), kind, tenantId ?? null, JSON.stringify(parameters), createdBy];
    const [row] = await (within ?? this.database).query<Row>(INSERT_JOB, values);
    if (row === undefined) throw new Error('the job was not stored');
    return jobOf(row);
  }

  /** Undefined: there is none. `id` must be a UUID. */
  async find(id: string): Promise<Job | undefined> {
    const [row] = await this.database.query<Row>(SELECT_JOB, [id]);
    return row === undefined ? undefined : jobOf(row);
  }

  /** At most `limit` jobs, the latest first. */
  async list({ tenantId, kind, state, after }: JobFilter, limit: number): Promise<Job[]> {
    const filter = [tenantId ?? null, kind ?? null, state ?? null, after ?? null];
    const rows = await this.database.query<Row>(LIST_JOBS, [...filter, limit]);
    return rows.map(jobOf);
  }

  /** Asks a job to stop; what it has done stays done. `over`: it had ended before. Undefined: there is no such job. */
  async cancel(id: string): Promise<Cancellation> {
    const [row] = await this.database.query<Row>(CANCEL_JOB, [id]);
    if (row !== undefined) return { kind: 'requested', job: jobOf(row) };
    const job = await this.find(id);
    return job === undefined ? undefined : { kind: 'over', job };
  }
}
