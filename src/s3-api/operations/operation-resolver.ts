import type { IncomingHttpHeaders } from 'node:http';
import { S3Error } from '../errors/s3-error';
import type { QueryParameters } from '../http/s3-request';
import type { OperationDefinition, S3Resource } from './operation.types';

/** Query keys that tell operations apart without being sub-resources: on their own they mean nothing and are ignored. */
const DISCRIMINATORS: ReadonlySet<string> = new Set(['id', 'x-id']);
const NONE: readonly string[] = [];

interface Candidate {
  readonly definition: OperationDefinition;
  readonly query: readonly (readonly [key: string, value: string | undefined])[];
  readonly headers: readonly string[];
  readonly claimed: ReadonlySet<string>;
}

interface Group {
  /** Most selectors first. */
  readonly all: readonly Candidate[];
  /** Those without query selectors: what a request without a query can be. */
  readonly plain: readonly Candidate[];
}

/**
 * Finds the operation of a request in a catalogue.
 *
 * An operation is a candidate when all its selectors are present and it claims every sub-resource key of the query; the
 * candidate with most selectors wins, whatever the order of catalogue or query. So a known sub-resource never falls through
 * to the plain operation (DESIGN rule 8). Keys that are no sub-resource are ignored.
 */
export class OperationResolver {
  private readonly groups = new Map<string, Group>();
  private readonly subResources: ReadonlySet<string>;

  /** Throws for a catalogue with two operations that the same request would select. */
  constructor(catalogue: readonly OperationDefinition[]) {
    this.subResources = new Set(
      catalogue
        .flatMap((operation) => [...Object.keys(operation.query), ...operation.parameters])
        .filter((key) => !DISCRIMINATORS.has(key)),
    );
    for (const [groupKey, operations] of Map.groupBy(catalogue, ({ resource, method }) => keyOf(resource, method))) {
      const all = operations.map(toCandidate).sort((a, b) => selectorCount(b) - selectorCount(a));
      refuseAmbiguity(all);
      this.groups.set(groupKey, { all, plain: all.filter((candidate) => candidate.query.length === 0) });
    }
  }

  /**
   * Throws `MethodNotAllowed` for a method that the resource does not know, `NotImplemented` for a sub-resource that the
   * method has no operation for, `InvalidArgument` for sub-resources that exclude each other or an unwelcome `versionId`.
   */
  resolve(
    method: string,
    resource: S3Resource,
    query: QueryParameters,
    headers: IncomingHttpHeaders,
  ): OperationDefinition {
    const group = this.groups.get(keyOf(resource, method));
    if (group === undefined)
      throw new S3Error('MethodNotAllowed', { fields: { Method: method, ResourceType: resource } });
    const hasQuery = query.entries().length > 0;
    const named = hasQuery ? this.subResourcesOf(query) : NONE;
    for (const candidate of hasQuery ? group.all : group.plain) {
      if (isSelected(candidate, query, headers) && claimsAll(candidate, named)) return candidate.definition;
    }
    throw this.refusal(group, method, resource, query, named);
  }

  private subResourcesOf(query: QueryParameters): readonly string[] {
    let named: string[] | undefined;
    for (const [name] of query.entries()) {
      if (this.subResources.has(name) && named?.includes(name) !== true) (named ??= []).push(name);
    }
    return named ?? NONE;
  }

  private refusal(
    group: Group,
    method: string,
    resource: S3Resource,
    query: QueryParameters,
    named: readonly string[],
  ): S3Error {
    if (named.length === 0)
      return new S3Error('MethodNotAllowed', { fields: { Method: method, ResourceType: resource } });
    const others = named.filter((name) => name !== 'versionId');
    const hasUnwelcomeVersion =
      others.length < named.length &&
      group.all.some((candidate) => isSelected(candidate, query, {}) && claimsAll(candidate, others));
    if (hasUnwelcomeVersion) {
      return new S3Error('InvalidArgument', {
        message: 'This operation does not accept a version-id.',
        fields: { ArgumentName: 'versionId', ArgumentValue: query.get('versionId') ?? '' },
      });
    }
    if (others.length > 1) {
      return new S3Error('InvalidArgument', {
        message: `Conflicting query string parameters: ${others.join(', ')}`,
        fields: { ArgumentName: 'ResourceType', ArgumentValue: others[0] ?? '' },
      });
    }
    return new S3Error('NotImplemented', { fields: { Header: 'query', additionalMessage: named.join(', ') } });
  }
}

function keyOf(resource: S3Resource, method: string): string {
  return `${resource} ${method}`;
}

function toCandidate(definition: OperationDefinition): Candidate {
  const query = Object.entries(definition.query);
  return {
    definition,
    query,
    headers: definition.headers,
    claimed: new Set([...query.map(([key]) => key), ...definition.parameters]),
  };
}

function selectorCount(candidate: Candidate): number {
  return candidate.query.length + candidate.headers.length;
}

function isSelected(candidate: Candidate, query: QueryParameters, headers: IncomingHttpHeaders): boolean {
  for (const [key, value] of candidate.query) {
    if (value === undefined ? !query.has(key) : query.get(key) !== value) return false;
  }
  for (const header of candidate.headers) if (headers[header] === undefined) return false;
  return true;
}

function claimsAll(candidate: Candidate, named: readonly string[]): boolean {
  for (const name of named) if (!candidate.claimed.has(name)) return false;
  return true;
}

/** Two operations of as many selectors must exclude each other: by a value, or by a sub-resource that the other does not claim. */
function refuseAmbiguity(candidates: readonly Candidate[]): void {
  for (const [index, one] of candidates.entries()) {
    for (const other of candidates.slice(index + 1)) {
      if (selectorCount(one) !== selectorCount(other) || isExcluding(one, other) || isExcluding(other, one)) continue;
      throw new Error(`The same request would select ${one.definition.name} and ${other.definition.name}`);
    }
  }
}

function isExcluding(one: Candidate, other: Candidate): boolean {
  return one.query.some(
    ([key, value]) =>
      (!DISCRIMINATORS.has(key) && !other.claimed.has(key)) ||
      other.query.some(
        ([otherKey, otherValue]) => otherKey === key && otherValue !== undefined && otherValue !== value,
      ),
  );
}
