import { Injectable } from '@nestjs/common';
import type { Readable } from 'node:stream';
import type { ArtifactKey, ContainerName } from '../../context/ids';
import type { OperationContext } from '../../context/operation-context';
import { tracing } from '../../context/tracing';
import { Database } from '../../database/database';
import { BlobStore } from '../blobs/blob-store';
import type { StoredBlob } from '../blobs/blob-store';
import { digestAlgorithmOf } from '../blobs/checksum-names';
import { createDigest } from '../blobs/digests';
import { originOf } from '../change-origin';
import { ContainerService } from '../containers/container.service';
import type { Container } from '../containers/container.types';
import { EngineError } from '../engine.errors';
import { MAX_PART_BYTES } from '../multipart/multipart.types';
import { ownerOf } from '../owner';
import { Placements } from '../placement/placements';
import type { Placement, PlacementSubject } from '../placement/placements';
import { QuotaAdmission } from '../quota/quota-admission';
import { assertNotTooLarge, commitLimits, quotaExceeded } from '../quota/quota-limits';
import { ArtifactService } from './artifact.service';
import type { LocatedVersion } from './artifact.service';
import type {
  ArtifactAttributes,
  ArtifactCopied,
  ArtifactWritten,
  Checksum,
  ChecksumAlgorithm,
  CopyArtifact,
  PutArtifact,
  WriteConditions,
} from './artifact.types';
import { attributeColumns } from './artifact.rows';
import type { VersionWithBlobRow } from './artifact.rows';
import { COMMIT_ARTIFACT } from './artifact.statements';
import { checkCopySourceConditions } from './read-conditions';
import { encodeVersionId } from './version-id';

const DEFAULT_STORAGE_CLASS = 'STANDARD';
/** Times a copy looks at its source when that is overwritten again and again before its bytes could be shared. */
const MAX_COPY_ATTEMPTS = 10;

/** The result of `vaultaire_commit_artifact`. */
export interface CommitRow {
  readonly outcome: string;
  readonly version_id: string;
  readonly is_null_version: boolean;
  readonly was_versioned: boolean;
  readonly created_at: Date;
  /** The quota that has no room, of outcome `QuotaExceeded`. */
  readonly quota: string | null;
}

interface NewVersion {
  readonly container: ContainerName;
  readonly key: ArtifactKey;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly checksum: Checksum | undefined;
  readonly attributes: ArtifactAttributes;
  readonly conditions: WriteConditions;
  readonly bytes:
    | { readonly source: 'written'; readonly blob: StoredBlob }
    | { readonly source: 'shared'; readonly row: VersionWithBlobRow };
}

/** Writes artifacts: whole, or as a copy that shares its source's bytes. */
@Injectable()
export class ArtifactWriter {
  constructor(
    private readonly database: Database,
    private readonly containers: ContainerService,
    private readonly artifacts: ArtifactService,
    private readonly blobs: BlobStore,
    private readonly quotas: QuotaAdmission,
    private readonly placements: Placements,
  ) {}

  /** Acknowledged only when bytes and row are durable. Of concurrent writers the last commit wins whole. */
  put(ctx: OperationContext, request: PutArtifact): Promise<ArtifactWritten> {
    return tracing()?.inSpan('engine.put', () => this.store(ctx, request)) ?? this.store(ctx, request);
  }

  private async store(ctx: OperationContext, request: PutArtifact): Promise<ArtifactWritten> {
    // Before the body is taken in: what refuses the upload does so while the client may still spare it.
    const container = await this.containers.get(ctx, request.container);
    const admission = this.quotas.admitArtifact(ctx, container, request.key, request.body.sizeBytes);
    const placement = this.placements.choose(ctx, subjectOf(container, request.attributes, request.body.sizeBytes));
    if (admission !== undefined) await admission;
    const blob = await this.blobs.store(ctx, request.body, { placement, maxBytes: MAX_PART_BYTES });
    try {
      return await this.commit(ctx, {
        container: request.container,
        key: request.key,
        sizeBytes: blob.sizeBytes,
        etag: blob.md5.toString('hex'),
        checksum: checksumOf(blob, request.body.storedChecksum),
        attributes: request.attributes,
        conditions: request.conditions,
        bytes: { source: 'written', blob },
      });
    } catch (error) {
      await this.blobs.discard(ctx, blob);
      throw error;
    }
  }

  /**
   * Moves no bytes where the new version has the placement of the old one: it holds the same blobs. Its ETag stays in any
   * case.
   */
  async copy(ctx: OperationContext, request: CopyArtifact): Promise<ArtifactCopied> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.tryCopy(ctx, request);
      } catch (error) {
        // What was found as the source was overwritten or deleted before the commit: look again.
        const isGone = error instanceof EngineError && error.failure.kind === 'Interrupted';
        if (!isGone || attempt === MAX_COPY_ATTEMPTS) throw error;
      }
    }
  }

  private async tryCopy(ctx: OperationContext, request: CopyArtifact): Promise<ArtifactCopied> {
    const version = await this.artifacts.findSource(ctx, request.source);
    const { row, stat } = version;
    checkCopySourceConditions(request.sourceConditions, stat);
    if (stat.sizeBytes > MAX_PART_BYTES) {
      throw new EngineError({ kind: 'ArtifactTooLarge', sizeBytes: stat.sizeBytes, maxBytes: MAX_PART_BYTES });
    }
    assertNotTooLarge(ctx, stat.sizeBytes);
    const replaced = request.replaceAttributes;
    const attributes = {
      headers: replaced?.headers ?? withoutRedirect(stat.attributes),
      metadata: replaced?.metadata ?? stat.attributes.metadata,
      tags: request.replaceTags ?? stat.attributes.tags,
      storageClass: request.storageClass ?? DEFAULT_STORAGE_CLASS,
    };
    const container = await this.containers.get(ctx, request.container);
    const placement = this.placements.choose(ctx, subjectOf(container, attributes, stat.sizeBytes));
    const isShared = stat.sizeBytes === 0 || row.inline_body !== null || this.isHeldBy(ctx, version, placement);
    const checksum = await this.checksumForCopy(ctx, version, request.checksumAlgorithm);
    const blob = isShared ? undefined : await this.storeAgain(ctx, version, placement);
    try {
      const written = await this.commit(ctx, {
        container: request.container,
        key: request.key,
        sizeBytes: stat.sizeBytes,
        etag: stat.etag,
        checksum,
        attributes,
        conditions: request.conditions,
        bytes: blob === undefined ? { source: 'shared', row } : { source: 'written', blob },
      });
      return { ...written, sourceVersionId: stat.versionId };
    } catch (error) {
      if (blob !== undefined) await this.blobs.discard(ctx, blob);
      throw error;
    }
  }

  /** By the placement that the bytes were written to; of parts, and of what was attached, by the one they would have now. */
  private isHeldBy(
    ctx: OperationContext,
    { container, row, stat }: LocatedVersion<VersionWithBlobRow>,
    placement: Placement,
  ): boolean {
    if (row.placement !== null) return this.placements.isWithin(placement, row.placement);
    return this.placements.isOf(ctx, subjectOf(container, stat.attributes, stat.sizeBytes), placement);
  }

  /** The bytes of `version` once more, where `placement` wants them. */
  private storeAgain(
    ctx: OperationContext,
    version: LocatedVersion<VersionWithBlobRow>,
    placement: Placement,
  ): Promise<StoredBlob> {
    const { sizeBytes } = version.stat;
    return this.artifacts.withBody(ctx, version, undefined, (body) =>
      this.blobs.store(
        ctx,
        { source: chunksOf(body), sizeBytes, expectations: [], storedChecksum: 'MD5' },
        { placement, maxBytes: MAX_PART_BYTES },
      ),
    );
  }

  private async checksumForCopy(
    ctx: OperationContext,
    version: LocatedVersion<VersionWithBlobRow>,
    algorithm: ChecksumAlgorithm | undefined,
  ): Promise<Checksum | undefined> {
    const { checksum } = version.stat;
    if (algorithm === undefined || algorithm === checksum?.algorithm) return checksum;
    const digest = createDigest(digestAlgorithmOf(algorithm));
    await this.artifacts.withBody(ctx, version, undefined, async (body) => {
      for await (const chunk of chunksOf(body)) digest.update(chunk);
    });
    return { algorithm, type: 'FULL_OBJECT', value: digest.digest().toString('base64') };
  }

  private async commit(ctx: OperationContext, version: NewVersion): Promise<ArtifactWritten> {
    const container = await this.containers.get(ctx, version.container);
    const row = await this.tryCommit(ctx, container, version);
    if (row.outcome !== 'NoSuchContainer') return written(ctx, container, version, row);
    // Deleted, or deleted and made again on another worker since it was cached.
    const fresh = await this.containers.getAgain(ctx, version.container, container);
    return written(ctx, fresh, version, await this.tryCommit(ctx, fresh, version));
  }

  private async tryCommit(ctx: OperationContext, container: Container, version: NewVersion): Promise<CommitRow> {
    const { bytes, checksum } = version;
    const columns = attributeColumns(version.attributes);
    const held =
      bytes.source === 'written'
        ? { blobId: bytes.blob.id, md5: bytes.blob.md5, inline: bytes.blob.inline, manifestId: null, partCount: null }
        : {
            blobId: bytes.row.blob_id,
            md5: null,
            inline: null,
            manifestId: bytes.row.manifest_id,
            partCount: bytes.row.part_count,
          };
    const [row] = await this.database.query<CommitRow & Readonly<Record<string, unknown>>>(COMMIT_ARTIFACT, [
      container.id,
      version.key,
      ctx.tenantId,
      ownerOf(ctx).userId,
      version.sizeBytes,
      version.etag,
      checksum?.algorithm ?? null,
      checksum?.type ?? null,
      checksum?.value ?? null,
      columns.contentType,
      columns.headers,
      columns.metadata,
      columns.tags,
      version.attributes.storageClass,
      bytes.source,
      held.blobId,
      held.md5,
      held.inline,
      held.manifestId,
      held.partCount,
      version.conditions.ifMatch ?? null,
      version.conditions.ifNoneMatch ?? null,
      commitLimits(ctx, container),
      originOf(ctx),
    ]);
    if (row === undefined) throw new Error('vaultaire_commit_artifact returned no row');
    return row;
  }
}

function written(ctx: OperationContext, container: Container, version: NewVersion, row: CommitRow): ArtifactWritten {
  throwUnlessCommitted(ctx, container, row, version);
  return {
    etag: version.etag,
    checksum: version.checksum,
    versionId: row.was_versioned ? encodeVersionId(row.version_id, row.is_null_version) : undefined,
    lastModified: row.created_at,
    sizeBytes: version.sizeBytes,
  };
}

/** Translates the outcomes of `vaultaire_commit_artifact` other than `ok`. */
export function throwUnlessCommitted(
  ctx: OperationContext,
  container: Container,
  { outcome, quota }: Pick<CommitRow, 'outcome' | 'quota'>,
  version: { readonly container: ContainerName; readonly key: ArtifactKey; readonly conditions: WriteConditions },
): void {
  switch (outcome) {
    case 'ok':
      return;
    case 'NoSuchContainer':
      throw new EngineError({ kind: 'NoSuchContainer', container: version.container });
    case 'NoSuchArtifact':
      throw new EngineError({ kind: 'NoSuchArtifact', key: version.key, deleteMarkerVersionId: undefined });
    case 'QuotaExceeded':
      throw quotaExceeded(ctx, container, quota);
    case 'PreconditionFailed':
      throw new EngineError({
        kind: 'PreconditionFailed',
        condition: version.conditions.ifMatch === undefined ? 'If-None-Match' : 'If-Match',
      });
    default:
      throw new EngineError({ kind: 'Interrupted', message: 'The bytes were withdrawn before the commit.' });
  }
}

export function checksumOf(blob: StoredBlob, algorithm: ChecksumAlgorithm): Checksum | undefined {
  const digest = blob.digests.get(digestAlgorithmOf(algorithm));
  return digest === undefined ? undefined : { algorithm, type: 'FULL_OBJECT', value: digest.toString('base64') };
}

function subjectOf(
  container: Container,
  attributes: ArtifactAttributes,
  sizeBytes: number | undefined,
): PlacementSubject {
  return { container, storageClass: attributes.storageClass, contentType: attributes.headers.contentType, sizeBytes };
}

/** The redirect of a website belongs to the key it was set on; S3 does not copy it. */
function withoutRedirect(attributes: ArtifactAttributes): ArtifactAttributes['headers'] {
  const { websiteRedirectLocation: _dropped, ...headers } = attributes.headers;
  return headers;
}

async function* chunksOf(body: Buffer | Readable): AsyncGenerator<Uint8Array> {
  if (Buffer.isBuffer(body)) yield body;
  else yield* body;
}
