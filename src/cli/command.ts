import type { Environment } from '../config/environment';

/** A command was called wrongly. The message says how. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export interface CommandOption {
  /** What stands for the value in the help; undefined: a switch without one. */
  readonly value: string | undefined;
  readonly summary: string;
  readonly isRequired?: boolean;
}

/** What a command was called with; checked against its definition. */
export class CommandInput {
  constructor(
    readonly environment: Environment,
    private readonly positionals: Readonly<Record<string, string>>,
    private readonly options: Readonly<Record<string, string | boolean | undefined>>,
  ) {}

  positional(name: string): string {
    const value = this.positionals[name];
    if (value === undefined) throw new TypeError(`The command has no argument ${name}`);
    return value;
  }

  required(name: string): string {
    const value = this.optional(name);
    if (value === undefined) throw new UsageError(`--${name} is missing`);
    return value;
  }

  optional(name: string): string | undefined {
    const value = this.options[name];
    return typeof value === 'string' ? value : undefined;
  }

  isSwitchedOn(name: string): boolean {
    return this.options[name] === true;
  }
}

/** A result that scripts should notice: printed as any other, with exit code 1. */
export class Findings {
  constructor(readonly result: unknown) {}
}

/** A command of `npm run cli`. */
export interface Command {
  /** One or two words, for example `key create`. */
  readonly name: string;
  readonly summary: string;
  /** More lines for the command's own help. */
  readonly details?: readonly string[];
  /** Names of the arguments that stand by themselves, all of them required. */
  readonly positionals: readonly string[];
  readonly options: Readonly<Record<string, CommandOption>>;
  /** Its result, or that of {@link Findings}, is printed as JSON. Throws `UsageError`, `TenancyError` or `StartUpError` for what its caller can put right. */
  run(input: CommandInput): Promise<unknown>;
}
