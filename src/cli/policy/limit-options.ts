import type { CommandOption, CommandOptions } from '../command';
import type { CommandInput } from '../command-input';
import { parseByteSize } from '../values/byte-size';
import { parseCount } from '../values/count';
import { parseRate } from '../values/rate';
import { boundOf } from './bound';
import type { PolicyChange } from './policy-change';

interface LimitOption {
  readonly value: string;
  readonly summary: string;
  readonly path: readonly string[];
  readonly parse: (text: string) => unknown;
}

const rate = (name: string): LimitOption => ({
  value: 'RATE',
  summary: `${name} requests a second, with the burst after a slash: 100 or 100/500`,
  path: ['requests', name],
  parse: parseRate,
});

const LIMITS: Readonly<Record<string, LimitOption>> = {
  read: rate('read'),
  write: rate('write'),
  list: rate('list'),
  admin: rate('admin'),
  'in-flight': { value: 'COUNT', summary: 'requests in flight', path: ['requestsInFlight'], parse: parseCount },
  'bytes-in': {
    value: 'SIZE',
    summary: 'bytes a second that come in',
    path: ['bytesInPerSecond'],
    parse: parseByteSize,
  },
  'bytes-out': {
    value: 'SIZE',
    summary: 'bytes a second that go out',
    path: ['bytesOutPerSecond'],
    parse: parseByteSize,
  },
};

const SCOPES = [
  { prefix: '', name: 'tenant', suffix: '' },
  { prefix: 'key-', name: 'accessKey', suffix: ', for each access key' },
];

const OPTIONS = SCOPES.flatMap((scope) =>
  Object.entries(LIMITS).map(([name, limit]) => ({ ...limit, scope, option: `${scope.prefix}${name}` })),
);

/** Options of {@link limitChanges}. */
export const LIMIT_OPTIONS: CommandOptions = Object.fromEntries(
  OPTIONS.map(({ option, value, summary, scope }): [string, CommandOption] => [
    option,
    { value, summary: `${summary}${scope.suffix}` },
  ]),
);

/** What the options say of the limits of a tenant, and of each of its keys. */
export function limitChanges(input: CommandInput): PolicyChange[] {
  return OPTIONS.flatMap(({ option, scope, path, parse }) => {
    const bound = input.parsedBy(option, (text) => boundOf(text, parse));
    return bound === undefined ? [] : [{ path: [scope.name, ...path], value: bound.value }];
  });
}
