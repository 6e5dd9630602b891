import { apiPath } from '../api/admin-client';
import type { Command } from '../command';
import type { CommandInput } from '../command-input';
import { BOUND_WORDS } from '../policy/bound';
import { LIMIT_OPTIONS, limitChanges } from '../policy/limit-options';
import { applyChanges } from '../policy/policy-change';
import { overridesOf, requireChanges } from './quota.commands';
import { details } from './shared';

const limitsOf = (input: CommandInput): string => apiPath('tenants', input.positional('TENANT'), 'limits');

const show: Command = {
  name: 'limit show',
  summary: 'Shows how fast a tenant may ask.',
  positionals: ['TENANT'],
  options: {},
  run: async ({ api, input }) => details((await api.get(limitsOf(input))).body),
};

const set: Command = {
  name: 'limit set',
  summary: 'Sets how fast a tenant may ask, apart from what its plan says.',
  details: BOUND_WORDS,
  positionals: ['TENANT'],
  options: LIMIT_OPTIONS,
  run: async ({ api, input }) => {
    const changes = requireChanges(limitChanges(input));
    return details(
      (await api.update('PUT', limitsOf(input), (current) => applyChanges(overridesOf(current), changes))).body,
    );
  },
};

/** How fast a tenant may ask. */
export const LIMIT_COMMANDS: readonly Command[] = [show, set];
