import { apiPath } from '../api/admin-client';
import type { Command, CommandOptions } from '../command';
import { UsageError } from '../command';
import type { CommandInput } from '../command-input';
import type { Printable } from '../output/printable';
import { valueAt } from '../output/table';
import { BOUND_WORDS } from './bound';
import type { PolicyChange } from './policy-change';
import { applyChanges } from './policy-change';
import { policyTable } from './policy-table';

/** A part of a tenant's policy that the admin API shows and sets by itself. */
export interface PolicyPart {
  /** First word of its commands. */
  readonly name: string;
  /** Last part of its path. */
  readonly path: string;
  /** As in: how much a tenant may hold. */
  readonly meaning: string;
  readonly options: CommandOptions;
  changesOf(input: CommandInput): readonly PolicyChange[];
}

/** The commands that show and set the part. */
export function policyCommands(part: PolicyPart): readonly Command[] {
  const pathOf = (input: CommandInput): string => apiPath('tenants', input.positional('TENANT'), part.path);
  const show: Command = {
    name: `${part.name} show`,
    summary: `Shows ${part.meaning}: what holds, and what plan and overrides say.`,
    positionals: ['TENANT'],
    options: {},
    run: async ({ api, input }) => layers((await api.get(pathOf(input))).body),
  };
  const set: Command = {
    name: `${part.name} set`,
    summary: `Sets ${part.meaning}, apart from what its plan says.`,
    details: BOUND_WORDS,
    positionals: ['TENANT'],
    options: part.options,
    run: async ({ api, input }) => {
      const changes = part.changesOf(input);
      if (changes.length === 0) throw new UsageError('Nothing to set was given');
      const answer = await api.update('PUT', pathOf(input), (current) =>
        applyChanges(valueAt(current, 'overrides'), changes),
      );
      return layers(answer.body);
    },
  };
  return [show, set];
}

function layers(body: unknown): Printable {
  return { kind: 'data', json: body, human: policyTable(body) };
}
