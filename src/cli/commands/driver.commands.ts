import { apiPath } from '../api/admin-client';
import type { Command } from '../command';
import type { Column } from '../output/table';
import { details, LIST_OPTIONS, listing, listRange } from './shared';

const COLUMNS: readonly Column[] = [
  { title: 'name', path: 'name' },
  { title: 'type', path: 'type' },
  { title: 'default', path: 'isDefault' },
  { title: 'healthy', path: 'health.isHealthy' },
  { title: 'latency ms', path: 'health.latencyMs' },
  { title: 'reason', path: 'health.reason' },
];

const list: Command = {
  name: 'driver list',
  summary: 'Lists drivers, with their health.',
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

/** Storage backends. */
export const DRIVER_COMMANDS: readonly Command[] = [list, show];
