import type { KeyScope } from '../../context/policy/key-scope';
import { findOperation } from '../../s3-api/operations/operation-catalogue';
import { AdminProblem } from '../admin-problem';

const CLASS = /^[a-z]/;

/**
 * Holds that a scope names operations that there are: with a misspelt one the key could do nothing, and nobody would know why.
 *
 * @throws AdminProblem 400
 */
export function requireKnownOperations(scope: KeyScope | null | undefined): void {
  const unknown = scope?.operations?.filter((name) => !CLASS.test(name) && findOperation(name) === undefined) ?? [];
  if (unknown.length === 0) return;
  throw AdminProblem.badFields(
    unknown.map((name) => ({ field: 'scope.operations', message: `S3 has no operation ${name}` })),
  );
}
