import type { OperationContext } from '../../context/operation-context';
import type { Container } from '../containers/container.types';
import { EngineError } from '../engine.errors';

/** Bytes and artifacts of the tenant, bytes and artifacts of the container; null: no limit. */
export type CommitLimits = readonly [number | null, number | null, number | null, number | null];

/** The hard quotas that a commit has to keep, as the functions of the database take them; null: none at all. */
export function commitLimits(ctx: OperationContext, { quota }: Pick<Container, 'quota'>): CommitLimits | null {
  const tenantBytes = ctx.quota?.bytes?.hard ?? null;
  const tenantArtifacts = ctx.quota?.artifacts?.hard ?? null;
  const bytes = quota.bytes?.hard ?? null;
  const artifacts = quota.artifacts?.hard ?? null;
  const isBounded = tenantBytes !== null || tenantArtifacts !== null || bytes !== null || artifacts !== null;
  return isBounded ? [tenantBytes, tenantArtifacts, bytes, artifacts] : null;
}

/** Throws `QuotaExceeded` for more bytes than one artifact of the tenant may have. */
export function assertNotTooLarge(ctx: OperationContext, sizeBytes: number): void {
  const limit = ctx.quota?.largestArtifactBytes;
  if (typeof limit !== 'number' || sizeBytes <= limit) return;
  throw new EngineError({ kind: 'QuotaExceeded', scope: 'tenant', quota: 'largestArtifactBytes', limit });
}

/** `quota`: as the functions of the database name it, `tenant.bytes` or `container.artifacts`. */
export function quotaExceeded(
  ctx: OperationContext,
  container: Pick<Container, 'quota'>,
  quota: string | null,
): EngineError {
  const scope = quota?.startsWith('tenant.') === true ? 'tenant' : 'container';
  const name = quota?.endsWith('.bytes') === true ? 'bytes' : 'artifacts';
  const bounds = (scope === 'tenant' ? ctx.quota : container.quota)?.[name];
  return new EngineError({ kind: 'QuotaExceeded', scope, quota: name, limit: bounds?.hard ?? undefined });
}
