import { setTimeout as delay } from 'node:timers/promises';
import { apiPath } from '../api/admin-client';
import type { Command, CommandContext, CommandOptions } from '../command';
import { CommandFailed } from '../command';
import type { Printable } from '../output/printable';
import type { Column } from '../output/table';
import { valueAt } from '../output/table';
import { details, LIST_OPTIONS, listing, listRange } from './shared';

const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 3000;
const STATES = ['queued', 'running', 'done', 'failed', 'cancelled'];

const COLUMNS: readonly Column[] = [
  { title: 'id', path: 'id' },
  { title: 'kind', path: 'kind' },
  { title: 'state', path: 'state' },
  { title: 'tenant', path: 'tenant' },
  { title: 'created', path: 'createdAt' },
  { title: 'finished', path: 'finishedAt' },
  { title: 'by', path: 'createdBy' },
];

/** For commands that start a job. */
export const WAIT_OPTIONS: CommandOptions = {
  wait: { value: undefined, summary: 'wait until the job has ended' },
  timeout: { value: 'DURATION', summary: 'wait so long at most; the job goes on' },
};

const list: Command = {
  name: 'job list',
  summary: 'Lists jobs, the latest first.',
  positionals: [],
  options: {
    state: { value: 'STATE', summary: `only these: ${STATES.join(', ')}`, choices: STATES },
    kind: { value: 'KIND', summary: 'only these, for example container-empty' },
    tenant: { value: 'TENANT', summary: 'only those of this tenant' },
    ...LIST_OPTIONS,
  },
  run: async (context) => {
    const { api, input } = context;
    const query = { state: input.optional('state'), kind: input.optional('kind'), tenant: input.optional('tenant') };
    return listing(await api.list('/jobs', query, listRange(context)), COLUMNS, 'There are no jobs.');
  },
};

const show: Command = {
  name: 'job show',
  summary: 'Shows a job with its progress.',
  positionals: ['JOB'],
  options: {},
  run: async ({ api, input }) => details((await api.get(apiPath('jobs', input.positional('JOB')))).body),
};

const wait: Command = {
  name: 'job wait',
  summary: 'Waits until a job has ended. Exits with 1 when it failed, was cancelled, or did not end in time.',
  positionals: ['JOB'],
  options: { timeout: { value: 'DURATION', summary: 'wait so long at most, for example 15m; the job goes on' } },
  run: async (context) => ended(context, context.input.positional('JOB')),
};

const cancel: Command = {
  name: 'job cancel',
  summary: 'Cancels a job. What it has done stays done.',
  positionals: ['JOB'],
  options: {},
  run: async ({ api, input }) => details((await api.post(apiPath('jobs', input.positional('JOB'), 'cancel'))).body),
};

/** The job that an answer holds; with `--wait` as it is at its end. */
export async function outcomeOfJob(context: CommandContext, job: unknown): Promise<Printable> {
  const id = valueAt(job, 'id');
  if (!context.input.isSwitchedOn('wait') || typeof id !== 'string') return details(job);
  context.note(`Job ${id}`);
  return ended(context, id);
}

/** @throws CommandFailed with the job when it failed, was cancelled, or runs on after the time-out */
async function ended({ api, input }: CommandContext, id: string): Promise<Printable> {
  const timeoutMs = input.durationMs('timeout') ?? Number.POSITIVE_INFINITY;
  const endMs = Date.now() + timeoutMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.5, LAST_PAUSE_MS)) {
    const { body } = await api.get(apiPath('jobs', id));
    const job = details(body);
    const state = valueAt(body, 'state');
    if (state === 'done') return job;
    if (state !== 'queued' && state !== 'running') throw new CommandFailed(`The job ${id} is ${String(state)}`, job);
    const leftMs = endMs - Date.now();
    if (leftMs <= 0) throw new CommandFailed(`The job ${id} has not ended yet`, job);
    await delay(Math.min(pauseMs, leftMs));
  }
}

/** Long work that an operator asked for. */
export const JOB_COMMANDS: readonly Command[] = [list, show, wait, cancel];
