import { Injectable } from '@nestjs/common';
import type { ArtifactKey, ContainerName } from '../../context/ids';
import type { OperationContext } from '../../context/operation-context';
import { Database } from '../../database/database';
import { originOf } from '../change-origin';
import { ContainerService } from '../containers/container.service';
import { EngineError } from '../engine.errors';
import { ownerOf } from '../owner';
import type { ArtifactDeleted, BatchDeleteResult, DeleteArtifact } from './artifact.types';
import { DELETE_ARTIFACT, DELETE_ARTIFACTS } from './artifact.statements';
import { encodeVersionId, selectVersion } from './version-id';

/** Keys per transaction of a batch: each holds a lock, and PostgreSQL's lock table is of a fixed size. */
const BATCH_KEYS = 100;

/** One entry of a batch delete. */
export type DeleteEntry = Omit<DeleteArtifact, 'container'>;

interface DeleteRow {
  readonly outcome: string;
  readonly version_id: string | null;
  readonly is_null_version: boolean | null;
  readonly was_versioned: boolean;
  readonly is_delete_marker: boolean;
}

/** Deletes artifacts and versions. */
@Injectable()
export class ArtifactRemover {
  constructor(
    private readonly database: Database,
    private readonly containers: ContainerService,
  ) {}

  /** A missing artifact is success. In a versioned container a delete without version id leaves a delete marker. */
  async delete(ctx: OperationContext, request: DeleteArtifact): Promise<ArtifactDeleted> {
    const container = await this.containers.get(ctx, request.container);
    const row = await this.tryDelete(ctx, container.id, request);
    if (row.outcome !== 'NoSuchContainer') return toDeleted(request, row);
    const fresh = await this.containers.getAgain(ctx, request.container, container);
    return toDeleted(request, await this.tryDelete(ctx, fresh.id, request));
  }

  /** Results in the order of the entries. Each entry succeeds or fails by itself. */
  async deleteMany(
    ctx: OperationContext,
    container: ContainerName,
    entries: readonly DeleteEntry[],
  ): Promise<BatchDeleteResult[]> {
    const { id } = await this.containers.getFresh(ctx, container);
    const results: BatchDeleteResult[] = [];
    for (let at = 0; at < entries.length; at += BATCH_KEYS) {
      const batch = entries.slice(at, at + BATCH_KEYS);
      const rows = await this.tryDeleteMany(ctx, id, batch);
      for (const [index, entry] of batch.entries()) results.push(toResult(container, entry, rows.get(index)));
    }
    return results;
  }

  private async tryDelete(ctx: OperationContext, containerId: string, entry: DeleteEntry): Promise<DeleteRow> {
    const selector = selectVersion(entry.versionId);
    const [row] = await this.database.query<DeleteRow & Readonly<Record<string, unknown>>>(DELETE_ARTIFACT, [
      containerId,
      entry.key,
      selector.kind === 'none' ? 'id' : selector.kind,
      selector.kind === 'id' ? selector.id : null,
      ownerOf(ctx).userId,
      entry.conditions.ifMatch ?? null,
      entry.conditions.ifMatchLastModified ?? null,
      entry.conditions.ifMatchSizeBytes ?? null,
      originOf(ctx),
    ]);
    if (row === undefined) throw new Error('vaultaire_delete_artifact returned no row');
    return row;
  }

  private async tryDeleteMany(
    ctx: OperationContext,
    containerId: string,
    entries: readonly DeleteEntry[],
  ): Promise<Map<number, DeleteRow>> {
    const selectors = entries.map((entry) => selectVersion(entry.versionId));
    const rows = await this.database.query<DeleteRow & { readonly ordinal: number }>(DELETE_ARTIFACTS, [
      containerId,
      entries.map((entry) => entry.key),
      selectors.map((selector) => (selector.kind === 'none' ? 'id' : selector.kind)),
      selectors.map((selector) => (selector.kind === 'id' ? selector.id : null)),
      ownerOf(ctx).userId,
      entries.map((entry) => entry.conditions.ifMatch ?? null),
      entries.map((entry) => entry.conditions.ifMatchLastModified ?? null),
      entries.map((entry) => entry.conditions.ifMatchSizeBytes ?? null),
      originOf(ctx),
    ]);
    return new Map(rows.map((row) => [row.ordinal - 1, row]));
  }
}

function toResult(container: ContainerName, entry: DeleteEntry, row: DeleteRow | undefined): BatchDeleteResult {
  const { key, versionId } = entry;
  try {
    if (row === undefined) throw new Error(`no outcome for key ${key}`);
    return { key, versionId, deleted: toDeleted({ container, ...entry }, row), error: undefined };
  } catch (error) {
    return { key, versionId, deleted: undefined, error: error instanceof Error ? error : new Error(String(error)) };
  }
}

function toDeleted(request: { container: ContainerName; key: ArtifactKey }, row: DeleteRow): ArtifactDeleted {
  switch (row.outcome) {
    case 'ok':
      return {
        versionId:
          row.was_versioned && row.version_id !== null
            ? encodeVersionId(row.version_id, row.is_null_version === true)
            : undefined,
        isDeleteMarker: row.is_delete_marker,
      };
    case 'NoSuchContainer':
      throw new EngineError({ kind: 'NoSuchContainer', container: request.container });
    default:
      throw new EngineError({ kind: 'PreconditionFailed', condition: 'If-Match' });
  }
}
