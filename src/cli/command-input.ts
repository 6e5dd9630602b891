import type { ParsedArguments } from './parse-arguments';
import { UsageError } from './command';
import { parseByteSize } from './values/byte-size';
import { parseDurationMs } from './values/duration';
import { parseCount } from './values/count';
import { parseTime } from './values/time';

/** What a command was called with; checked against its definition. */
export class CommandInput {
  constructor(private readonly parsed: ParsedArguments) {}

  positional(name: string): string {
    const value = this.parsed.positionals[name];
    if (value === undefined) throw new TypeError(`The command has no argument ${name}`);
    return value;
  }

  required(name: string): string {
    const value = this.optional(name);
    if (value === undefined) throw new UsageError(`--${name} is missing`);
    return value;
  }

  optional(name: string): string | undefined {
    const value = this.parsed.options[name];
    return typeof value === 'string' ? value : undefined;
  }

  /** Values of an option that may be given several times; undefined when it was not given at all. */
  all(name: string): readonly string[] | undefined {
    const value = this.parsed.options[name];
    return Array.isArray(value) ? value.map(String) : undefined;
  }

  /** The same, each time with commas between several values. */
  list(name: string): readonly string[] | undefined {
    return this.all(name)
      ?.flatMap((item) => item.split(','))
      .map((item) => item.trim())
      .filter((item) => item !== '');
  }

  isSwitchedOn(name: string): boolean {
    return this.parsed.options[name] === true;
  }

  /** Bytes; see {@link parseByteSize}. */
  byteSize(name: string): number | undefined {
    return this.parsedBy(name, parseByteSize);
  }

  count(name: string): number | undefined {
    return this.parsedBy(name, parseCount);
  }

  durationMs(name: string): number | undefined {
    return this.parsedBy(name, parseDurationMs);
  }

  /** A time in the past, given as such or as the duration since then; in ISO 8601. */
  pastTime(name: string): string | undefined {
    return this.parsedBy(name, (text) => parseTime(text, 'past'));
  }

  /** A time to come, given as such or as the duration until then; in ISO 8601. */
  futureTime(name: string): string | undefined {
    return this.parsedBy(name, (text) => parseTime(text, 'future'));
  }

  /** The value as `parse` reads it. @throws UsageError that names the option */
  parsedBy<T>(name: string, parse: (text: string) => T): T | undefined {
    const text = this.optional(name);
    if (text === undefined) return undefined;
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new UsageError(`--${name} ${error.message}`, { cause: error });
    }
  }
}
