import type { BodyKind, OperationClass, OperationDefinition, S3Resource } from './operation.types';

interface OperationDetails {
  /** Query selectors: a list of keys of any value, or keys with the value they must have. */
  readonly query?: Readonly<Record<string, string | undefined>> | readonly string[];
  readonly headers?: readonly string[];
  readonly parameters?: readonly string[];
  readonly body?: BodyKind;
}

/** One entry of the catalogue; keeps the name as a literal type, so that a wrong one does not compile elsewhere. */
export function defineOperation<const Name extends string>(
  name: Name,
  method: OperationDefinition['method'],
  resource: S3Resource,
  action: string,
  operationClass: OperationClass,
  { query = {}, headers = [], parameters = [], body = 'none' }: OperationDetails = {},
): OperationDefinition & { readonly name: Name } {
  return {
    name,
    method,
    resource,
    query: isKeyList(query) ? Object.fromEntries(query.map((key) => [key, undefined])) : query,
    headers,
    parameters,
    action,
    body,
    operationClass,
  };
}

function isKeyList(query: NonNullable<OperationDetails['query']>): query is readonly string[] {
  return Array.isArray(query);
}
