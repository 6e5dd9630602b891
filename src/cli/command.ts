import type { AdminClient } from './api/admin-client';
import type { CommandInput } from './command-input';
import type { Printable } from './output/printable';

/** A command was called wrongly. The message says how. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The command ran, and what it looked for is not so: its result is printed, the message too, and the exit code is 1. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';

  constructor(
    message: string,
    readonly result?: Printable,
  ) {
    super(message);
  }
}

export interface CommandOption {
  /** What stands for the value in the help; undefined: a switch without one. */
  readonly value: string | undefined;
  readonly summary: string;
  readonly isRequired?: boolean;
  /** May be given several times. */
  readonly isList?: boolean;
  /** The only values that it takes. */
  readonly choices?: readonly string[];
}

export type CommandOptions = Readonly<Record<string, CommandOption>>;

/** What a command is called like, apart from what it does. */
export interface CommandDefinition {
  /** One or two words, for example `key create`. */
  readonly name: string;
  readonly summary: string;
  /** More lines for the command's own help. */
  readonly details?: readonly string[];
  /** Names of the arguments that stand by themselves, all of them required. */
  readonly positionals: readonly string[];
  readonly options: CommandOptions;
  /** Works on the database of the environment, without the admin API. */
  readonly isOffline?: boolean;
}

/** What a command may use. */
export interface CommandContext {
  readonly input: CommandInput;
  /** Connects to nothing until it is asked. */
  readonly api: AdminClient;
  /** Remarks for people, apart from the result. */
  readonly note: (text: string) => void;
}

export interface Command extends CommandDefinition {
  /**
   * Its result is printed.
   *
   * @throws UsageError, CommandFailed, ApiProblem, ServerUnreachable; TenancyError, StartUpError where it is offline
   */
  run(context: CommandContext): Promise<Printable>;
}
