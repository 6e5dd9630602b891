import { apiPath } from '../api/admin-client';
import type { Command, CommandOptions } from '../command';
import { UsageError } from '../command';
import type { CommandInput } from '../command-input';
import type { Column } from '../output/table';
import { details, done, LIST_OPTIONS, listing, listRange, presentOf } from './shared';

const COLUMNS: readonly Column[] = [
  { title: 'name', path: 'name' },
  { title: 'drivers', path: 'drivers' },
  { title: 'copies', path: 'copies' },
  { title: 'quorum', path: 'quorum' },
  { title: 'backup', path: 'backup' },
  { title: 'residency', path: 'residency' },
  { title: 'then', path: 'tier.to' },
  { title: 'source', path: 'source' },
];

const OPTIONS: CommandOptions = {
  drivers: { value: 'DRIVERS', summary: 'that may hold a copy, the preferred first', isRequired: true, isList: true },
  copies: { value: 'COUNT', summary: 'how many of them do; default: all. The others are spares' },
  quorum: { value: 'COUNT', summary: 'copies that a write waits for; default: more than half' },
  backup: { value: 'DRIVERS', summary: 'that get a copy after the answer', isList: true },
  residency: { value: 'LABEL', summary: 'that all its drivers have to have' },
  'tier-days': { value: 'DAYS', summary: 'age from which bytes move to the placement of --tier-to' },
  'tier-idle-days': { value: 'DAYS', summary: 'days without a read that they must have had besides' },
  'tier-to': { value: 'PLACEMENT', summary: 'the placement of old bytes' },
};

const placementOf = (input: CommandInput): string => apiPath('placements', input.positional('PLACEMENT'));

function documentOf(input: CommandInput): Record<string, unknown> {
  const [afterDays, to] = [input.count('tier-days'), input.optional('tier-to')];
  const idleDays = input.count('tier-idle-days');
  if ((afterDays === undefined) !== (to === undefined)) throw new UsageError('--tier-days and --tier-to go together');
  if (idleDays !== undefined && to === undefined) throw new UsageError('--tier-idle-days needs --tier-to');
  return presentOf({
    drivers: input.list('drivers'),
    copies: input.count('copies'),
    quorum: input.count('quorum'),
    backup: input.list('backup'),
    residency: input.optional('residency'),
    tier: to === undefined ? undefined : presentOf({ afterDays, idleDays, to }),
  });
}

const list: Command = {
  name: 'placement list',
  summary: 'Lists placements: which drivers hold blobs, and how.',
  positionals: [],
  options: LIST_OPTIONS,
  run: async (context) =>
    listing(await context.api.list('/placements', {}, listRange(context)), COLUMNS, 'There are no placements.'),
};

const show: Command = {
  name: 'placement show',
  summary: 'Shows a placement.',
  positionals: ['PLACEMENT'],
  options: {},
  run: async ({ api, input }) => details((await api.get(placementOf(input))).body),
};

const create: Command = {
  name: 'placement create',
  summary: 'Defines a placement, beside those of the configuration.',
  positionals: ['NAME'],
  options: OPTIONS,
  run: async ({ api, input }) => {
    const placement = { name: input.positional('NAME'), ...documentOf(input) };
    return details((await api.post('/placements', placement)).body);
  },
};

const replace: Command = {
  name: 'placement replace',
  summary: 'Defines a placement anew, for what is written from then on.',
  details: ['', 'What is not given has its default, whatever it was before.'],
  positionals: ['PLACEMENT'],
  options: OPTIONS,
  run: async ({ api, input }) => {
    const document = documentOf(input);
    return details((await api.update('PUT', placementOf(input), () => document)).body);
  },
};

const remove: Command = {
  name: 'placement delete',
  summary: 'Deletes a placement that nothing names.',
  positionals: ['PLACEMENT'],
  options: {},
  run: async ({ api, input }) => {
    await api.delete(placementOf(input));
    const name = input.positional('PLACEMENT');
    return done({ name, deleted: true }, `The placement ${name} is deleted.`);
  },
};

/** Which drivers hold blobs, and how. */
export const PLACEMENT_COMMANDS: readonly Command[] = [list, show, create, replace, remove];
