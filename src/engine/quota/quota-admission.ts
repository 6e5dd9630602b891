import { Injectable } from '@nestjs/common';
import type { ArtifactKey } from '../../context/ids';
import type { OperationContext } from '../../context/operation-context';
import { Database } from '../../database/database';
import type { Statement } from '../../database/database';
import type { Container } from '../containers/container.types';
import { FreshValues } from './fresh-values';
import { assertNotTooLarge, commitLimits, quotaExceeded } from './quota-limits';
import type { CommitLimits } from './quota-limits';
import { SUM_USAGE, WEIGH_PART, WEIGH_VERSION } from './usage.statements';
import type { Usage } from './usage.types';

/** What a write would bring, and the statement that weighs it with what it would take the place of. */
interface Write extends Usage {
  readonly statement: Statement;
  readonly values: readonly unknown[];
}

interface Weight {
  readonly tenant_bytes: string;
  readonly tenant_artifacts: string;
  readonly bytes: string;
  readonly artifacts: string;
  readonly displaced_bytes: string;
  readonly displaced_artifacts: string;
}

/**
 * Refuses writes that a hard quota has no room for before their bodies are taken in. The commit decides; this saves the client from
 * sending in vain. Most writes are let through by sums that are at most a second old; PostgreSQL is asked only
 * where these leave doubt.
 */
@Injectable()
export class QuotaAdmission {
  private readonly sums: FreshValues<Usage>;

  constructor(private readonly database: Database) {
    this.sums = new FreshValues((scope) => this.sum(scope));
  }

  /**
   * Undefined: nothing is known to stand against the artifact. The promise rejects with `QuotaExceeded`, which is also thrown for
   * one that is larger than any may be. `sizeBytes` undefined: not known before the body was read.
   */
  admitArtifact(
    ctx: OperationContext,
    container: Container,
    key: ArtifactKey,
    sizeBytes: number | undefined,
  ): Promise<void> | undefined {
    if (sizeBytes === undefined) return undefined;
    assertNotTooLarge(ctx, sizeBytes);
    const limits = commitLimits(ctx, container);
    if (limits === null || this.surelyFits(container, limits, sizeBytes, 1)) return undefined;
    const write = { bytes: sizeBytes, artifacts: 1, statement: WEIGH_VERSION, values: [key] };
    return this.decide(ctx, container, limits, write);
  }

  /** {@link admitArtifact} for a part of an upload, which counts as bytes only. */
  admitPart(
    ctx: OperationContext,
    container: Container,
    part: { readonly uploadId: string; readonly partNumber: number },
    sizeBytes: number | undefined,
  ): Promise<void> | undefined {
    if (sizeBytes === undefined) return undefined;
    assertNotTooLarge(ctx, sizeBytes);
    const limits = commitLimits(ctx, container);
    if (limits === null || this.surelyFits(container, limits, sizeBytes, 0)) return undefined;
    const values = [part.uploadId, part.partNumber];
    return this.decide(ctx, container, limits, { bytes: sizeBytes, artifacts: 0, statement: WEIGH_PART, values });
  }

  private surelyFits(container: Container, limits: CommitLimits, bytes: number, artifacts: number): boolean {
    const [tenantBytes, tenantArtifacts, containerBytes, containerArtifacts] = limits;
    return (
      this.fitsBelow(tenantBytes, tenantArtifacts, tenantScope(container), bytes, artifacts) &&
      this.fitsBelow(containerBytes, containerArtifacts, containerScope(container), bytes, artifacts)
    );
  }

  private fitsBelow(
    maxBytes: number | null,
    maxArtifacts: number | null,
    scope: string,
    bytes: number,
    artifacts: number,
  ): boolean {
    if (maxBytes === null && maxArtifacts === null) return true;
    const used = this.sums.peek(scope);
    if (used === undefined) return false;
    return (
      (maxBytes === null || used.bytes + bytes <= maxBytes) &&
      (maxArtifacts === null || used.artifacts + artifacts <= maxArtifacts)
    );
  }

  private async decide(ctx: OperationContext, container: Container, limits: CommitLimits, write: Write): Promise<void> {
    const { tenant, inside, displaced } = await this.weigh(container, write);
    const bytes = write.bytes - displaced.bytes;
    const artifacts = write.artifacts - displaced.artifacts;
    const [tenantBytes, tenantArtifacts, containerBytes, containerArtifacts] = limits;
    if (exceeds(tenant.bytes, bytes, tenantBytes)) throw quotaExceeded(ctx, container, 'tenant.bytes');
    if (exceeds(tenant.artifacts, artifacts, tenantArtifacts)) throw quotaExceeded(ctx, container, 'tenant.artifacts');
    if (exceeds(inside.bytes, bytes, containerBytes)) throw quotaExceeded(ctx, container, 'container.bytes');
    if (exceeds(inside.artifacts, artifacts, containerArtifacts)) {
      throw quotaExceeded(ctx, container, 'container.artifacts');
    }
  }

  /** Asked for this write alone: what its client did before must show. */
  private async weigh(
    container: Container,
    write: Write,
  ): Promise<{ readonly tenant: Usage; readonly inside: Usage; readonly displaced: Usage }> {
    const [row] = await this.database.read<Weight & Readonly<Record<string, unknown>>>(write.statement, [
      container.tenantId,
      container.id,
      ...write.values,
    ]);
    if (row === undefined) throw new Error('an aggregate without groups returned no row');
    const tenant = { bytes: Number(row.tenant_bytes), artifacts: Number(row.tenant_artifacts) };
    const inside = { bytes: Number(row.bytes), artifacts: Number(row.artifacts) };
    this.sums.set(tenantScope(container), tenant);
    this.sums.set(containerScope(container), inside);
    const displaced = { bytes: Number(row.displaced_bytes), artifacts: Number(row.displaced_artifacts) };
    return { tenant, inside, displaced };
  }

  private async sum(scope: string): Promise<Usage> {
    const slash = scope.indexOf('/');
    const [row] = await this.database.read<{ bytes: string; artifacts: string }>(SUM_USAGE, [
      scope.slice(0, slash),
      scope.slice(slash + 1),
    ]);
    return { bytes: Number(row?.bytes ?? 0), artifacts: Number(row?.artifacts ?? 0) };
  }
}

const tenantScope = (container: Container): string => `${container.tenantId}/0`;
const containerScope = (container: Container): string => `${container.tenantId}/${container.id}`;

function exceeds(used: number, change: number, limit: number | null): boolean {
  return limit !== null && change > 0 && used + change > limit;
}
