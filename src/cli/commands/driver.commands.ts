import { apiPath } from '../api/admin-client';
import type { Command } from '../command';
import { CommandFailed } from '../command';
import type { Printable } from '../output/printable';
import { record } from '../output/record';
import type { Column } from '../output/table';
import { table, valueAt } from '../output/table';
import { outcomeOfJob, WAIT_OPTIONS } from './job.commands';
import { details, LIST_OPTIONS, listing, listRange, requireYes, YES } from './shared';

const COLUMNS: readonly Column[] = [
  { title: 'name', path: 'name' },
  { title: 'type', path: 'type' },
  { title: 'default', path: 'isDefault' },
  { title: 'attachable', path: 'isAttachable' },
  { title: 'healthy', path: 'health.isHealthy' },
  { title: 'latency ms', path: 'health.latencyMs' },
  { title: 'reason', path: 'health.reason' },
];

const list: Command = {
  name: 'driver list',
  summary: 'Lists drivers and attachable sources, with their health.',
  positionals: [],
  options: LIST_OPTIONS,
  run: async (context) =>
    listing(await context.api.list('/drivers', {}, listRange(context)), COLUMNS, 'There are no drivers.'),
};

const show: Command = {
  name: 'driver show',
  summary: 'Shows a driver: capabilities and health.',
  positionals: ['DRIVER'],
  options: {},
  run: async ({ api, input }) => details((await api.get(apiPath('drivers', input.positional('DRIVER')))).body),
};

const STEP_COLUMNS: readonly Column[] = [
  { title: 'tried', path: 'name' },
  { title: 'outcome', path: 'outcome' },
  { title: 'ms', path: 'latencyMs', format: (ms) => (typeof ms === 'number' ? ms.toFixed(1) : '-') },
  { title: 'detail', path: 'detail' },
];

const DIFFERENCE_COLUMNS: readonly Column[] = [
  { title: 'field', path: 'field' },
  { title: 'configured', path: 'configured' },
  { title: 'seen', path: 'seen' },
];

const probe: Command = {
  name: 'driver probe',
  summary: 'Tries out what the backend of an S3 driver can do, and which profile fits it.',
  details: [
    'Objects of its own are written, read, listed, copied and deleted; nothing is left on the backend.',
    'It takes a minute at most. Exits with 1 when the backend can not be used as it is configured.',
  ],
  positionals: ['DRIVER'],
  options: {},
  run: async ({ api, input }) => {
    const name = input.positional('DRIVER');
    const report = probeReport((await api.post(apiPath('drivers', name, 'probe'))).body);
    if (valueAt(report.json, 'isUsable') !== true)
      throw new CommandFailed(`The backend of ${name} can not be used as it is configured`, report);
    return report;
  },
};

const drain: Command = {
  name: 'driver drain',
  summary: 'Moves all blobs off a driver, as a job, while clients read and write.',
  details: ['No placement may name the driver any more. Each blob goes to the drivers of its placement.'],
  positionals: ['DRIVER'],
  options: { to: { value: 'DRIVER', summary: 'this driver gets them all' }, yes: YES, ...WAIT_OPTIONS },
  run: async (context) => {
    const { api, input } = context;
    const name = input.positional('DRIVER');
    requireYes(context, `Moving all blobs off the driver ${name}`);
    const to = input.optional('to');
    return outcomeOfJob(
      context,
      (await api.post(apiPath('drivers', name, 'drain'), to === undefined ? {} : { to })).body,
    );
  },
};

const verify: Command = {
  name: 'driver verify',
  summary: 'Reads all that a driver holds and compares digests, as a job. What is wrong is made again.',
  details: ['The job fails when there are blobs without a whole copy.'],
  positionals: ['DRIVER'],
  options: { rate: { value: 'SIZE', summary: 'read at most so much a second, for example 20MiB' }, ...WAIT_OPTIONS },
  run: async (context) => {
    const { api, input } = context;
    const bytesPerSecond = input.byteSize('rate');
    const body = bytesPerSecond === undefined ? {} : { bytesPerSecond };
    return outcomeOfJob(context, (await api.post(apiPath('drivers', input.positional('DRIVER'), 'verify'), body)).body);
  },
};

/** Storage backends. */
export const DRIVER_COMMANDS: readonly Command[] = [list, show, probe, drain, verify];

/** What was found out, then where the configuration differs, then each step. */
function probeReport(json: unknown): Printable & { readonly kind: 'data' } {
  const summary = Object.fromEntries(
    ['driver', 'endpoint', 'isUsable', 'bestProfile', 'quirks', 'canCopy'].map((field) => [
      field,
      valueAt(json, field),
    ]),
  );
  const differences = table(rowsOf(json, 'differences'), DIFFERENCE_COLUMNS, 'The configuration is as the backend is.');
  const steps = table(rowsOf(json, 'steps'), STEP_COLUMNS, 'Nothing was tried.');
  return { kind: 'data', json, human: [record(summary), differences, steps].join('\n\n') };
}

function rowsOf(json: unknown, field: string): readonly unknown[] {
  const rows = valueAt(json, field);
  return Array.isArray(rows) ? rows : [];
}
