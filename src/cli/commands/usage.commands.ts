import { apiPath } from '../api/admin-client';
import type { Command } from '../command';
import { bytesCell } from '../output/cell';
import type { Column } from '../output/table';
import { details, LIST_OPTIONS, listing, listRange } from './shared';

const HISTORY_COLUMNS: readonly Column[] = [
  { title: 'time', path: 'time' },
  { title: 'bytes', path: 'bytes', format: bytesCell },
  { title: 'artifacts', path: 'artifacts' },
  { title: 'in', path: 'ingressBytes', format: bytesCell },
  { title: 'out', path: 'egressBytes', format: bytesCell },
  { title: 'requests', path: 'requests' },
];

const show: Command = {
  name: 'usage show',
  summary: 'Shows what a tenant holds now.',
  positionals: ['TENANT'],
  options: {},
  run: async ({ api, input }) => details((await api.get(apiPath('tenants', input.positional('TENANT'), 'usage'))).body),
};

const history: Command = {
  name: 'usage history',
  summary: 'Shows what a tenant held and did over time.',
  positionals: ['TENANT'],
  options: {
    from: {
      value: 'WHEN',
      summary: 'a time as 2030-01-31 or 2030-01-31T12:00:00Z, or so long ago as 7d; default: 30d before the end',
    },
    to: { value: 'WHEN', summary: 'likewise; default: now' },
    step: { value: 'STEP', summary: 'hour or day (default)', choices: ['hour', 'day'] },
    ...LIST_OPTIONS,
  },
  run: async (context) => {
    const { api, input } = context;
    const query = { from: input.pastTime('from'), to: input.pastTime('to'), step: input.optional('step') };
    const path = apiPath('tenants', input.positional('TENANT'), 'usage', 'history');
    return listing(await api.list(path, query, listRange(context)), HISTORY_COLUMNS, 'There is no usage in this time.');
  },
};

/** What tenants hold and do. */
export const USAGE_COMMANDS: readonly Command[] = [show, history];
