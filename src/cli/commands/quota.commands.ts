import { apiPath } from '../api/admin-client';
import type { Command } from '../command';
import { UsageError } from '../command';
import type { CommandInput } from '../command-input';
import { BOUND_WORDS } from '../policy/bound';
import type { PolicyChange } from '../policy/policy-change';
import { applyChanges } from '../policy/policy-change';
import { QUOTA_OPTIONS, quotaChanges } from '../policy/quota-options';
import { details } from './shared';

const quotaOf = (input: CommandInput): string => apiPath('tenants', input.positional('TENANT'), 'quota');

const show: Command = {
  name: 'quota show',
  summary: 'Shows how much a tenant may hold.',
  positionals: ['TENANT'],
  options: {},
  run: async ({ api, input }) => details((await api.get(quotaOf(input))).body),
};

const set: Command = {
  name: 'quota set',
  summary: 'Sets how much a tenant may hold, apart from what its plan says.',
  details: BOUND_WORDS,
  positionals: ['TENANT'],
  options: QUOTA_OPTIONS,
  run: async ({ api, input }) => {
    const changes = requireChanges(quotaChanges(input));
    return details(
      (await api.update('PUT', quotaOf(input), (current) => applyChanges(overridesOf(current), changes))).body,
    );
  },
};

/** What a tenant has apart from its plan, in an answer that shows also what holds. */
export function overridesOf(answer: unknown): unknown {
  return answer;
}

/** @throws UsageError when there are none */
export function requireChanges(changes: readonly PolicyChange[]): readonly PolicyChange[] {
  if (changes.length === 0) throw new UsageError('Nothing to set was given');
  return changes;
}

/** How much a tenant may hold. */
export const QUOTA_COMMANDS: readonly Command[] = [show, set];
