/** What survives a round trip through `jsonb`. */
export type JobData = Readonly<Record<string, unknown>>;

export const JOB_STATES = ['queued', 'running', 'done', 'failed', 'cancelled'] as const;
export type JobState = (typeof JOB_STATES)[number];

/** Long work that somebody asked for. Stored, so that it outlives the process that runs it. */
export interface Job {
  /** UUIDv7. */
  readonly id: string;
  readonly kind: string;
  readonly tenantId: string | undefined;
  readonly tenantName: string | undefined;
  readonly state: JobState;
  readonly parameters: JobData;
  /** What its handler last said; where it goes on after its process ended. */
  readonly progress: JobData;
  /** Why it failed. */
  readonly error: string | undefined;
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly startedAt: Date | undefined;
  readonly finishedAt: Date | undefined;
  readonly isCancelRequested: boolean;
}

/** What a handler has besides its job. */
export interface JobControl {
  readonly parameters: JobData;
  /** Aborts when the job was cancelled, the gateway stops, or another gateway took the job over. Then throw, or return soon. */
  readonly signal: AbortSignal;
  /**
   * Merges `update` into the progress, durably. Call it after each step that need not be done again: a handler that is
   * started with a progress goes on from there, perhaps in another process.
   *
   * @throws the reason of `signal` when the job is not this process's any more
   */
  progress(update: JobData): Promise<void>;
}

/**
 * Does the work of one kind of job. Returning means done, throwing means failed, unless the signal was aborted. The last
 * step before a crash may run again, so that steps must be repeatable.
 */
export type JobHandler = (job: Job, control: JobControl) => Promise<void>;
