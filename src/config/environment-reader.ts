import { StartUpError } from './start-up.error';

/**
 * Reads variables one by one and collects what is wrong, so that the operator sees every bad one at once. A variable that is
 * set to the empty string counts as absent, as compose files and unit files write it. Values appear in no message.
 */
export class EnvironmentReader {
  private readonly problems: string[] = [];

  constructor(private readonly variables: NodeJS.ProcessEnv) {}

  text(name: string, pattern?: RegExp, expected?: string): string | undefined {
    const value = this.variables[name]?.trim();
    if (value === undefined || value === '') return undefined;
    if (pattern !== undefined && !pattern.test(value)) this.refuse(`${name} must be ${expected ?? 'valid'}`);
    return value;
  }

  /** As {@link text}, but spaces at its ends are part of the value and so refused by the pattern. */
  secret(name: string, pattern: RegExp, expected: string): string | undefined {
    const value = this.variables[name];
    if (value === undefined || value === '') return undefined;
    if (!pattern.test(value)) this.refuse(`${name} must be ${expected}`);
    return value;
  }

  integer(name: string, min: number, max: number): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
    if (!(number >= min && number <= max)) this.refuse(`${name} must be a whole number from ${min} to ${max}`);
    return number;
  }

  oneOf<const T extends string>(name: string, allowed: readonly T[]): T | undefined {
    const value = this.text(name)?.toLowerCase();
    if (value === undefined) return undefined;
    const found = allowed.find((candidate) => candidate === value);
    if (found === undefined) this.refuse(`${name} must be one of ${allowed.join(', ')}`);
    return found;
  }

  /** Items separated by commas, in lower case. */
  list(name: string, pattern: RegExp, expected: string): string[] {
    const items = (this.text(name) ?? '').split(',').map((item) => item.trim().toLowerCase());
    const given = items.filter((item) => item !== '');
    if (!given.every((item) => pattern.test(item))) this.refuse(`${name} must be ${expected}`);
    return given;
  }

  url(name: string, protocols: readonly string[]): string | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    // A socket folder as host leaves the place between `@` and `/` empty, which libpq allows and the URL standard doesn't.
    const protocol = URL.parse(value.replace('@/', '@localhost/'))?.protocol;
    if (protocol === undefined || !protocols.includes(protocol)) {
      this.refuse(`${name} must be a URL that begins with ${protocols.map((p) => `${p}//`).join(' or ')}`);
    }
    return value;
  }

  refuse(problem: string): void {
    this.problems.push(problem);
  }

  /** @throws StartUpError with a line for every problem */
  finish(): void {
    if (this.problems.length > 0) throw new StartUpError(this.problems.join('\n'));
  }
}
