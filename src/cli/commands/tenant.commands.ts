import { apiPath } from '../api/admin-client';
import type { Command, CommandContext } from '../command';
import type { Printable } from '../output/printable';
import type { Column } from '../output/table';
import { valueAt } from '../output/table';
import { PLACEMENT_OPTION, placementChanges } from '../policy/placement-option';
import { applyChanges } from '../policy/policy-change';
import type { PolicyChange } from '../policy/policy-change';
import { outcomeOfJob, WAIT_OPTIONS } from './job.commands';
import { changesOf, details, LIST_OPTIONS, listing, listRange, presentOf, requireYes, YES } from './shared';

const COLUMNS: readonly Column[] = [
  { title: 'name', path: 'name' },
  { title: 'state', path: 'state' },
  { title: 'plan', path: 'plan' },
  { title: 'display name', path: 'displayName' },
  { title: 'created', path: 'createdAt' },
  { title: 'id', path: 'id' },
];

const STATES = ['active', 'suspended', 'closing'];

const list: Command = {
  name: 'tenant list',
  summary: 'Lists tenants.',
  positionals: [],
  options: {
    state: { value: 'STATE', summary: `only these: ${STATES.join(', ')}`, choices: STATES },
    prefix: { value: 'TEXT', summary: 'only those whose name begins so' },
    ...LIST_OPTIONS,
  },
  run: async (context) => {
    const query = { state: context.input.optional('state'), prefix: context.input.optional('prefix') };
    return listing(await context.api.list('/tenants', query, listRange(context)), COLUMNS, 'There are no tenants.');
  },
};

const show: Command = {
  name: 'tenant show',
  summary: 'Shows a tenant.',
  positionals: ['TENANT'],
  options: {},
  run: async ({ api, input }) => details((await api.get(apiPath('tenants', input.positional('TENANT')))).body),
};

const create: Command = {
  name: 'tenant create',
  summary: 'Creates a tenant.',
  positionals: ['NAME'],
  options: {
    'display-name': { value: 'TEXT', summary: 'name for people' },
    plan: { value: 'PLAN', summary: 'its plan; default: the default plan of the configuration' },
  },
  run: async ({ api, input }) => {
    const tenant = presentOf({
      name: input.positional('NAME'),
      displayName: input.optional('display-name'),
      plan: input.optional('plan'),
    });
    return details((await api.post('/tenants', tenant)).body);
  },
};

const update: Command = {
  name: 'tenant update',
  summary: 'Changes the plan, the placement or the display name of a tenant.',
  details: ['', '--placement also takes "none" (the default placement) and "inherit" (that of the plan).'],
  positionals: ['TENANT'],
  options: {
    'display-name': { value: 'TEXT', summary: 'name for people' },
    plan: { value: 'PLAN', summary: 'another plan' },
    'no-plan': { value: undefined, summary: 'no plan' },
    ...PLACEMENT_OPTION,
  },
  run: ({ api, input }) => {
    const plan = input.isSwitchedOn('no-plan') ? null : input.optional('plan');
    const changes = placementChanges(input);
    return change({ api, input }, { displayName: input.optional('display-name'), plan }, changes);
  },
};

const suspend: Command = {
  name: 'tenant suspend',
  summary: 'Refuses all requests of a tenant. Its data stays.',
  positionals: ['TENANT'],
  options: {},
  run: (context) => change(context, { state: 'suspended' }),
};

const resume: Command = {
  name: 'tenant resume',
  summary: 'Serves a suspended tenant again.',
  positionals: ['TENANT'],
  options: {},
  run: (context) => change(context, { state: 'active' }),
};

const remove: Command = {
  name: 'tenant delete',
  summary: 'Closes a tenant and deletes its users and keys, as a job. Its events stay.',
  positionals: ['TENANT'],
  options: {
    yes: YES,
    force: { value: undefined, summary: 'with its containers and all data in them; else it must have none' },
    ...WAIT_OPTIONS,
  },
  run: async (context) => {
    const tenant = context.input.positional('TENANT');
    requireYes(context, `Deleting the tenant ${tenant}`);
    const query = { force: context.input.isSwitchedOn('force') ? 'true' : undefined };
    return outcomeOfJob(context, (await context.api.delete(apiPath('tenants', tenant), query)).body);
  },
};

async function change(
  { api, input }: Pick<CommandContext, 'api' | 'input'>,
  values: Readonly<Record<string, unknown>>,
  ofPolicy: readonly PolicyChange[] = [],
): Promise<Printable> {
  const changes = changesOf({ ...values, policy: ofPolicy.length === 0 ? undefined : ofPolicy });
  const answer = await api.update('PATCH', apiPath('tenants', input.positional('TENANT')), (tenant) =>
    ofPolicy.length === 0 ? changes : { ...changes, policy: applyChanges(valueAt(tenant, 'policy'), ofPolicy) },
  );
  return details(answer.body);
}

/** The customers. */
export const TENANT_COMMANDS: readonly Command[] = [list, show, create, update, suspend, resume, remove];
