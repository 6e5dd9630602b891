import type { Statement } from '../database/database';
import type { Job, JobData, JobState } from './job.types';

const COLUMNS = `j.id, j.kind, j.tenant_id, (SELECT t.name FROM tenants t WHERE t.id = j.tenant_id) AS tenant_name, j.state,
  j.parameters, j.progress, j.error, j.created_by, j.created_at, j.started_at, j.finished_at,
  j.cancel_requested_at IS NOT NULL AS is_cancel_requested`;

/** A row of `jobs` as {@link COLUMNS} select it. */
export interface JobRow {
  readonly id: string;
  readonly kind: string;
  readonly tenant_id: string | null;
  readonly tenant_name: string | null;
  readonly state: JobState;
  readonly parameters: JobData;
  readonly progress: JobData;
  readonly error: string | null;
  readonly created_by: string;
  readonly created_at: Date;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
  readonly is_cancel_requested: boolean;
}

export function jobOf(row: JobRow): Job {
  return {
    id: row.id,
    kind: row.kind,
    tenantId: row.tenant_id ?? undefined,
    tenantName: row.tenant_name ?? undefined,
    state: row.state,
    parameters: row.parameters,
    progress: row.progress,
    error: row.error ?? undefined,
    createdBy: row.created_by,
    createdAt: row.created_at,
    startedAt: row.started_at ?? undefined,
    finishedAt: row.finished_at ?? undefined,
    isCancelRequested: row.is_cancel_requested,
  };
}

export const INSERT_JOB: Statement = {
  name: 'jobs-insert',
  text: `INSERT INTO jobs AS j (id, kind, tenant_id, parameters, created_by) VALUES ($1, $2, $3, $4, $5)
    RETURNING ${COLUMNS}`,
};

export const SELECT_JOB: Statement = { name: 'jobs-select', text: `SELECT ${COLUMNS} FROM jobs j WHERE j.id = $1` };

/** $1 tenant, $2 kind, $3 state, each NULL for all; $4 the last job of the page before, or NULL; $5 the
 * number. By id, which is by time: a UUIDv7 begins with it. */
export const LIST_JOBS: Statement = {
  name: 'jobs-list',
  text: `SELECT ${COLUMNS} FROM jobs j
    WHERE ($1::uuid IS NULL OR j.tenant_id = $1) AND ($2::text IS NULL OR j.kind = $2)
      AND ($3::text IS NULL OR j.state = $3)
      AND ($4::uuid IS NULL OR j.id < $4)
    ORDER BY j.id DESC LIMIT $5`,
};

/** What waits is over at once; what runs is told so. */
export const CANCEL_JOB: Statement = {
  name: 'jobs-cancel',
  text: `UPDATE jobs j SET cancel_requested_at = coalesce(j.cancel_requested_at, now()), updated_at = now(),
      state = CASE j.state WHEN 'queued' THEN 'cancelled' ELSE j.state END,
      finished_at = CASE j.state WHEN 'queued' THEN now() END
    WHERE j.id = $1 AND j.state IN ('queued', 'running') RETURNING ${COLUMNS}`,
};

/** The oldest job that waits, or whose process is gone. $1 this gateway instance, $2 the kinds that it can run. */
export const CLAIM_JOB: Statement = {
  name: 'jobs-claim',
  text: `UPDATE jobs j SET state = 'running', owner = $1, started_at = coalesce(j.started_at, now()), updated_at = now()
    WHERE j.id = (
      SELECT id FROM jobs
      WHERE kind = ANY($2::text[]) AND (state = 'queued' OR (
        state = 'running' AND NOT EXISTS (SELECT FROM vaultaire_live_instances() WHERE instance_id = jobs.owner)))
      ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING ${COLUMNS}`,
};

/** No row: the job is another's by now. */
export const PROGRESS_JOB: Statement = {
  name: 'jobs-progress',
  text: `UPDATE jobs SET progress = progress || $3::jsonb, updated_at = now()
    WHERE id = $1 AND owner = $2 AND state = 'running' RETURNING id`,
};

export const FINISH_JOB: Statement = {
  name: 'jobs-finish',
  text: `UPDATE jobs SET state = $3, error = $4, owner = NULL, finished_at = now(), updated_at = now()
    WHERE id = $1 AND owner = $2 AND state = 'running'`,
};

/** For another process, or a later try. */
export const RELEASE_JOB: Statement = {
  name: 'jobs-release',
  text: `UPDATE jobs SET state = 'queued', owner = NULL, updated_at = now()
    WHERE id = $1 AND owner = $2 AND state = 'running'`,
};

export const CANCELLED_AMONG: Statement = {
  name: 'jobs-cancelled-among',
  text: 'SELECT id FROM jobs WHERE id = ANY($1::uuid[]) AND cancel_requested_at IS NOT NULL',
};

export const FORGET_JOBS: Statement = {
  name: 'jobs-forget',
  text: `DELETE FROM jobs WHERE state IN ('done', 'failed', 'cancelled') AND finished_at < now() - interval '90 days'`,
};
