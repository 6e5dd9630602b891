import { parseArgs } from 'node:util';
import type { CommandDefinition, CommandOptions } from './command';
import { UsageError } from './command';

/** Arguments by their names in the definition. */
export interface ParsedArguments {
  readonly positionals: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>;
}

/**
 * Reads what follows the name of a command.
 *
 * @throws UsageError when it does not fit the definition
 */
export function parseArguments(
  command: Pick<CommandDefinition, 'positionals' | 'options'>,
  commonOptions: CommandOptions,
  args: readonly string[],
): ParsedArguments {
  const definitions = Object.entries({ ...commonOptions, ...command.options });
  const options = definitions.map(([name, { value, isList }]) => {
    return [name, { type: value === undefined ? 'boolean' : 'string', multiple: isList === true }] as const;
  });
  let parsed;
  try {
    parsed = parseArgs({ args: [...args], options: Object.fromEntries(options), allowPositionals: true });
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
  const values: ParsedArguments['options'] = parsed.values;
  const positionals = namedPositionals(command.positionals, parsed.positionals);
  for (const [name, { isRequired, choices }] of definitions) {
    const value = values[name];
    if (isRequired === true && (value === undefined || value === '')) throw new UsageError(`--${name} is missing`);
    if (choices !== undefined && typeof value === 'string' && !choices.includes(value)) {
      throw new UsageError(`--${name} wants one of ${choices.join(', ')}`);
    }
  }
  return { positionals, options: values };
}

function namedPositionals(names: readonly string[], given: readonly string[]): Record<string, string> {
  if (given.length > names.length) throw new UsageError(`Too many arguments: ${given.slice(names.length).join(' ')}`);
  const named = names.map((name, index) => {
    const value = given[index];
    if (value === undefined || value === '') throw new UsageError(`${name} is missing`);
    return [name, value] as const;
  });
  return Object.fromEntries(named);
}
