import { StartUpError } from '../config/start-up.error';
import { TenancyError } from '../tenant/tenancy.error';
import type { ClientEnvironment } from '../config/client-environment';
import { AdminClient } from './api/admin-client';
import { apiAddress } from './api/api-address';
import { ApiProblem, ServerUnreachable } from './api/problem';
import type { Command } from './command';
import { CommandFailed, UsageError } from './command';
import { CommandInput } from './command-input';
import { API_OPTIONS, commandHelp, COMMON_OPTIONS, overview } from './help';
import type { OutputFormat } from './output/printable';
import { printed } from './output/printable';
import { parseArguments } from './parse-arguments';

/** How the program ends. */
export const EXIT = { ok: 0, failed: 1, usage: 2, unreachable: 3, unauthorised: 4 } as const;

/** Errors whose message is all that an operator needs; of others the stack is shown. */
const EXPECTED_ERRORS = new Set(['DatabaseUnavailableError', 'DriverError']);

/** Where results and remarks go; each text is a line or several, without the last line break. */
export interface CliOutput {
  out(text: string): void;
  err(text: string): void;
  /** Somebody reads along, rather than a program. */
  readonly isTerminal: boolean;
}

/**
 * Runs the command that `args` names and answers the exit code, one of {@link EXIT}. The result goes to `output.out`,
 * everything else to `output.err`.
 */
export async function runCli(
  args: readonly string[],
  commands: readonly Command[],
  environment: ClientEnvironment,
  output: CliOutput,
): Promise<number> {
  const words = leadingWords(args);
  const command = commands.find(({ name }) => name.split(' ').every((word, index) => words[index] === word));
  if (command !== undefined)
    return runCommand(command, args.slice(command.name.split(' ').length), environment, output);

  const group = commands.some(({ name }) => name.startsWith(`${words[0] ?? ''} `)) ? words[0] : undefined;
  const isLost = words.length > (group === undefined ? 0 : 1);
  if (!isLost && isHelpAsked(args)) {
    output.out(overview(commands, group));
    return EXIT.ok;
  }
  output.err(`${isLost ? `There is no command ${words.slice(0, 2).join(' ')}\n\n` : ''}${overview(commands, group)}`);
  return EXIT.usage;
}

async function runCommand(
  command: Command,
  args: readonly string[],
  environment: ClientEnvironment,
  output: CliOutput,
): Promise<number> {
  if (isHelpAsked(args)) {
    output.out(commandHelp(command));
    return EXIT.ok;
  }
  let format: OutputFormat = output.isTerminal ? 'table' : 'json';
  try {
    const common = { ...(command.isOffline === true ? {} : API_OPTIONS), ...COMMON_OPTIONS };
    const input = new CommandInput(parseArguments(command, common, args));
    if (input.optional('output') !== undefined) format = input.optional('output') === 'json' ? 'json' : 'table';
    let address: ReturnType<typeof apiAddress> | undefined;
    const api = new AdminClient(() => (address ??= apiAddress(input, environment)));
    const result = await command.run({
      input,
      api,
      note: (text) => {
        output.err(text);
      },
    });
    output.out(printed(result, format));
    return EXIT.ok;
  } catch (error) {
    if (error instanceof UsageError) {
      output.err(`${error.message}\n\n${commandHelp(command)}`);
      return EXIT.usage;
    }
    if (error instanceof CommandFailed && error.result !== undefined) output.out(printed(error.result, format));
    output.err(explanation(error));
    return exitCodeOf(error);
  }
}

/** `vaultaire tenant create x --y` begins with three of them. */
function leadingWords(args: readonly string[]): readonly string[] {
  const end = args.findIndex((arg) => arg.startsWith('-'));
  return end === -1 ? args : args.slice(0, end);
}

function isHelpAsked(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return (end === -1 ? args : args.slice(0, end)).some((arg) => arg === '--help' || arg === '-h');
}

function exitCodeOf(error: unknown): number {
  if (error instanceof ServerUnreachable) return EXIT.unreachable;
  return error instanceof ApiProblem && error.isUnauthorised ? EXIT.unauthorised : EXIT.failed;
}

function explanation(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof ApiProblem && error.status === 401) {
    return `${error.message}\nSet VAULTAIRE_ADMIN_TOKEN or --token-file to a valid admin token.`;
  }
  const isExpected =
    error instanceof ApiProblem ||
    error instanceof ServerUnreachable ||
    error instanceof CommandFailed ||
    error instanceof TenancyError ||
    error instanceof StartUpError ||
    EXPECTED_ERRORS.has(error.name);
  return isExpected ? error.message : (error.stack ?? error.message);
}
