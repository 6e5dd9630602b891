import { apiPath } from '../api/admin-client';
import type { Command } from '../command';
import type { CommandInput } from '../command-input';
import type { Column } from '../output/table';
import { valueAt } from '../output/table';
import { bytesCell } from '../output/cell';
import { BOUND_WORDS } from '../policy/bound';
import { LIMIT_OPTIONS, limitChanges } from '../policy/limit-options';
import { PLACEMENT_OPTION, placementChanges } from '../policy/placement-option';
import type { PolicyChange } from '../policy/policy-change';
import { applyChanges } from '../policy/policy-change';
import { QUOTA_OPTIONS, quotaChanges } from '../policy/quota-options';
import { changesOf, details, done, LIST_OPTIONS, listing, listRange, presentOf } from './shared';

const COLUMNS: readonly Column[] = [
  { title: 'name', path: 'name' },
  { title: 'bytes', path: 'policy.quota.bytes.hard', format: bytesCell },
  { title: 'artifacts', path: 'policy.quota.artifacts.hard' },
  { title: 'source', path: 'source' },
  { title: 'description', path: 'description' },
];

const OPTIONS = {
  description: { value: 'TEXT', summary: 'what it is for' },
  ...QUOTA_OPTIONS,
  ...LIMIT_OPTIONS,
  ...PLACEMENT_OPTION,
};

const planOf = (input: CommandInput): string => apiPath('plans', input.positional('PLAN'));

const list: Command = {
  name: 'plan list',
  summary: 'Lists plans.',
  positionals: [],
  options: LIST_OPTIONS,
  run: async (context) =>
    listing(await context.api.list('/plans', {}, listRange(context)), COLUMNS, 'There are no plans.'),
};

const show: Command = {
  name: 'plan show',
  summary: 'Shows a plan.',
  positionals: ['PLAN'],
  options: {},
  run: async ({ api, input }) => details((await api.get(planOf(input))).body),
};

const create: Command = {
  name: 'plan create',
  summary: 'Creates a plan: a named set of quotas and limits.',
  details: BOUND_WORDS,
  positionals: ['NAME'],
  options: OPTIONS,
  run: async ({ api, input }) => {
    const policy = applyChanges({}, policyChanges(input));
    const plan = {
      name: input.positional('NAME'),
      ...presentOf({ description: input.optional('description') }),
      policy,
    };
    return details((await api.post('/plans', plan)).body);
  },
};

const update: Command = {
  name: 'plan update',
  summary: 'Changes a plan, for all its tenants at once.',
  details: BOUND_WORDS,
  positionals: ['PLAN'],
  options: OPTIONS,
  run: async ({ api, input }) => {
    const bounds = policyChanges(input);
    const changes = changesOf({
      description: input.optional('description'),
      policy: bounds.length === 0 ? undefined : bounds,
    });
    const answer = await api.update('PATCH', planOf(input), (plan) =>
      bounds.length === 0 ? changes : { ...changes, policy: applyChanges(valueAt(plan, 'policy'), bounds) },
    );
    return details(answer.body);
  },
};

const remove: Command = {
  name: 'plan delete',
  summary: 'Deletes a plan that no tenant has.',
  positionals: ['PLAN'],
  options: {},
  run: async ({ api, input }) => {
    await api.delete(planOf(input));
    const name = input.positional('PLAN');
    return done({ name, deleted: true }, `The plan ${name} is deleted.`);
  },
};

function policyChanges(input: CommandInput): PolicyChange[] {
  const under = (name: string, changes: PolicyChange[]): PolicyChange[] =>
    changes.map(({ path, value }) => ({ path: [name, ...path], value }));
  return [...under('quota', quotaChanges(input)), ...under('limits', limitChanges(input)), ...placementChanges(input)];
}

/** Named sets of quotas and limits. */
export const PLAN_COMMANDS: readonly Command[] = [list, show, create, update, remove];
