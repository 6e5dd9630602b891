import { parseArgs } from 'node:util';
import type { Environment } from '../config/environment';
import { StartUpError } from '../config/start-up.error';
import { DatabaseUnavailableError } from '../database/database';
import { DriverError } from '../drivers/driver.errors';
import { TenancyError } from '../tenant/tenancy.error';
import type { Command } from './command';
import { CommandInput, Findings, UsageError } from './command';

export const EXIT_OK = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;

export interface CliOutput {
  out(text: string): void;
  err(text: string): void;
}

/**
 * Runs the command that `args` names and answers the exit code: 0, 1 when it failed or has findings, 2 when it was called
 * wrongly. The result goes to `output.out` as JSON, everything else to `output.err`.
 */
export async function runCli(
  args: readonly string[],
  commands: readonly Command[],
  loadEnvironment: () => Environment,
  output: CliOutput,
): Promise<number> {
  const command = commands.find(({ name }) => name.split(' ').every((word, index) => args[index] === word));
  const isHelp = args.includes('--help') || args.includes('-h');
  if (command === undefined) {
    if (isHelp || args.length === 0) {
      output.out(overview(commands));
      return isHelp ? EXIT_OK : EXIT_USAGE;
    }
    output.err(`There is no command ${args.filter((arg) => !arg.startsWith('-')).join(' ')}\n\n${overview(commands)}`);
    return EXIT_USAGE;
  }
  if (isHelp) {
    output.out(help(command));
    return EXIT_OK;
  }
  try {
    const read = readArguments(command, args.slice(command.name.split(' ').length));
    const result = await command.run(new CommandInput(loadEnvironment(), read.positionals, read.options));
    const isFinding = result instanceof Findings;
    output.out(JSON.stringify(isFinding ? result.result : result, undefined, 2));
    return isFinding ? EXIT_FAILED : EXIT_OK;
  } catch (error) {
    if (error instanceof UsageError) {
      output.err(`${error.message}\n\n${help(command)}`);
      return EXIT_USAGE;
    }
    output.err(explanation(error));
    return EXIT_FAILED;
  }
}

function readArguments(
  command: Command,
  args: readonly string[],
): { positionals: Record<string, string>; options: Record<string, string | boolean | undefined> } {
  const options = Object.entries(command.options).map(
    ([name, { value }]) => [name, { type: value === undefined ? 'boolean' : 'string' }] as const,
  );
  let parsed;
  try {
    parsed = parseArgs({ args: [...args], options: Object.fromEntries(options), allowPositionals: true });
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
  if (parsed.positionals.length > command.positionals.length) {
    throw new UsageError(`Too many arguments: ${parsed.positionals.slice(command.positionals.length).join(' ')}`);
  }
  const positionals = command.positionals.map((name, index) => {
    const value = parsed.positionals[index];
    if (value === undefined) throw new UsageError(`${name} is missing`);
    return [name, value] as const;
  });
  for (const [name, { isRequired }] of Object.entries(command.options)) {
    if (isRequired === true && parsed.values[name] === undefined) throw new UsageError(`--${name} is missing`);
  }
  return { positionals: Object.fromEntries(positionals), options: parsed.values };
}

function explanation(error: unknown): string {
  const isExpected =
    error instanceof TenancyError ||
    error instanceof StartUpError ||
    error instanceof DatabaseUnavailableError ||
    error instanceof DriverError;
  if (isExpected || !(error instanceof Error)) return error instanceof Error ? error.message : String(error);
  return error.stack ?? error.message;
}

function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  return ['Usage: npm run cli -- <command> [options]', '', ...lines, '', '<command> --help tells more.'].join('\n');
}

function help(command: Command): string {
  const options = Object.entries(command.options).map(([name, option]) => ({
    text: option.value === undefined ? `--${name}` : `--${name} ${option.value}`,
    ...option,
  }));
  const usage = options.map(({ text, isRequired }) => (isRequired === true ? text : `[${text}]`));
  const width = Math.max(0, ...options.map(({ text }) => text.length));
  return [
    `Usage: npm run cli -- ${[command.name, ...command.positionals, ...usage].join(' ')}`,
    '',
    command.summary,
    ...(command.details ?? []),
    ...(options.length > 0 ? [''] : []),
    ...options.map(({ text, summary }) => `  ${text.padEnd(width)}  ${summary}`),
  ].join('\n');
}
