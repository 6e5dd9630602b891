import { BUCKET_CONFIGURATION_OPERATIONS } from './bucket-configuration-operations';
import { BUCKET_OPERATIONS } from './bucket-operations';
import { OBJECT_OPERATIONS } from './object-operations';
import type { OperationDefinition } from './operation.types';

/**
 * The whole S3 API, implemented or not. Routing, 501 answers, policy actions, metric labels, event names and the
 * compatibility table come from here. The order means nothing.
 */
export const OPERATION_CATALOGUE = [
  ...OBJECT_OPERATIONS,
  ...BUCKET_OPERATIONS,
  ...BUCKET_CONFIGURATION_OPERATIONS,
] as const satisfies readonly OperationDefinition[];

export type OperationName = (typeof OPERATION_CATALOGUE)[number]['name'];

const BY_NAME: ReadonlyMap<string, OperationDefinition> = new Map(
  OPERATION_CATALOGUE.map((operation) => [operation.name, operation]),
);

/** The definition of a name; undefined for one that S3 does not have. */
export function findOperation(name: string): OperationDefinition | undefined {
  return BY_NAME.get(name);
}

/** What the event log and the metrics call a request that addresses no operation of S3. */
export const UNKNOWN_OPERATION: OperationDefinition = {
  name: 'Unknown',
  method: 'GET',
  resource: 'service',
  query: {},
  headers: [],
  parameters: [],
  action: 's3:Unknown',
  body: 'none',
  operationClass: 'read',
};
