import type { CommandOption, CommandOptions } from '../command';
import type { CommandInput } from '../command-input';
import { parseByteSize } from '../values/byte-size';
import { parseCount } from '../values/count';
import { boundOf } from './bound';
import type { PolicyChange } from './policy-change';

interface QuotaOption {
  readonly option: CommandOption;
  readonly path: readonly string[];
  readonly parse: (text: string) => number;
}

const size = (summary: string, ...path: string[]): QuotaOption => ({
  option: { value: 'SIZE', summary },
  path,
  parse: parseByteSize,
});
const count = (summary: string, ...path: string[]): QuotaOption => ({
  option: { value: 'COUNT', summary },
  path,
  parse: parseCount,
});

/** What a container may have too. */
const CONTAINER_QUOTA: Readonly<Record<string, QuotaOption>> = {
  bytes: size('bytes of all versions, for example 10GB; never exceeded', 'bytes', 'hard'),
  'bytes-soft': size('events at 80, 90 and 100 per cent of so many bytes', 'bytes', 'soft'),
  artifacts: count('versions; never exceeded', 'artifacts', 'hard'),
  'artifacts-soft': count('events at 80, 90 and 100 per cent of so many versions', 'artifacts', 'soft'),
};

const TENANT_QUOTA: Readonly<Record<string, QuotaOption>> = {
  ...CONTAINER_QUOTA,
  'monthly-egress': size('bytes sent in a calendar month; never exceeded', 'monthlyEgressBytes', 'hard'),
  'monthly-egress-soft': size('events at 80, 90 and 100 per cent of so many', 'monthlyEgressBytes', 'soft'),
  'largest-artifact': size('bytes of the largest artifact', 'largestArtifactBytes'),
  containers: count('number of containers', 'containers'),
  'access-keys': count('number of active access keys', 'accessKeys'),
};

/** Options of {@link quotaChanges}. */
export const QUOTA_OPTIONS = optionsOf(TENANT_QUOTA);
/** Options of {@link containerQuotaChanges}. */
export const CONTAINER_QUOTA_OPTIONS = optionsOf(CONTAINER_QUOTA);

/** What the options say of a tenant's quota. */
export function quotaChanges(input: CommandInput): PolicyChange[] {
  return changesOf(TENANT_QUOTA, input);
}

/** What the options say of a container's quota. */
export function containerQuotaChanges(input: CommandInput): PolicyChange[] {
  return changesOf(CONTAINER_QUOTA, input);
}

function optionsOf(quota: Readonly<Record<string, QuotaOption>>): CommandOptions {
  return Object.fromEntries(Object.entries(quota).map(([name, { option }]) => [name, option]));
}

function changesOf(quota: Readonly<Record<string, QuotaOption>>, input: CommandInput): PolicyChange[] {
  return Object.entries(quota).flatMap(([name, { path, parse }]) => {
    const bound = input.parsedBy(name, (text) => boundOf(text, parse));
    return bound === undefined ? [] : [{ path, value: bound.value }];
  });
}
