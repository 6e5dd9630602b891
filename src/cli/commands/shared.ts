import type { CommandContext, CommandOption, CommandOptions } from '../command';
import { UsageError } from '../command';
import type { ListRange } from '../api/admin-client';
import type { Printable } from '../output/printable';
import { record } from '../output/record';
import type { Column } from '../output/table';
import { table } from '../output/table';

/** The tenant of what a command is about. */
export const TENANT: CommandOption = { value: 'TENANT', summary: 'name or id of the tenant', isRequired: true };

/** Of every list. */
export const LIST_OPTIONS: CommandOptions = {
  limit: { value: 'COUNT', summary: 'only one page, of at most so many, 1 to 1000; default: all' },
  cursor: { value: 'CURSOR', summary: 'nextCursor of the page before; for one page' },
};

/** For commands that can't be undone. */
export const YES: CommandOption = { value: undefined, summary: 'really do it' };

/** What {@link LIST_OPTIONS} ask for. */
export function listRange({ input }: CommandContext): ListRange {
  return { limit: input.count('limit'), cursor: input.optional('cursor') };
}

/** A list of the API, as it came and as a table. */
export function listing(
  list: { readonly items: readonly unknown[] },
  columns: readonly Column[],
  nothing: string,
): Printable {
  return { kind: 'data', json: list, human: table(list.items, columns, nothing) };
}

/** One thing of the API, as it came and as one line for each value. */
export function details(body: unknown): Printable {
  return { kind: 'data', json: body, human: record(body) };
}

/** An answer without content: for programs the given object, for people the sentence. */
export function done(json: object, sentence: string): Printable {
  return { kind: 'data', json, human: sentence };
}

/** @throws UsageError unless `--yes` was given */
export function requireYes({ input }: CommandContext, what: string): void {
  if (!input.isSwitchedOn('yes')) throw new UsageError(`${what} can't be undone: say --yes`);
}

/** The given values without those that are undefined; refuses when nothing is left. */
export function changesOf(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const changes = presentOf(values);
  if (Object.keys(changes).length === 0) throw new UsageError('Nothing to change was given');
  return changes;
}

/** The given values without those that are undefined. */
export function presentOf(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
