import { Injectable } from '@nestjs/common';
import { Readable } from 'node:stream';
import { v7 as uuidv7 } from 'uuid';
import { uploadId as toUploadId } from '../../context/ids';
import type { UploadId } from '../../context/ids';
import type { OperationContext } from '../../context/operation-context';
import { Database } from '../../database/database';
import { ArtifactService } from '../artifacts/artifact.service';
import { attributeColumns } from '../artifacts/artifact.rows';
import { checksumOf } from '../artifacts/artifact-writer';
import { checkCopySourceConditions } from '../artifacts/read-conditions';
import type { ChecksumAlgorithm, ChecksumType, IncomingBody } from '../artifacts/artifact.types';
import { BlobStore } from '../blobs/blob-store';
import { ContainerService } from '../containers/container.service';
import { EngineError } from '../engine.errors';
import { ownerOf } from '../owner';
import { Placements } from '../placement/placements';
import { QuotaAdmission } from '../quota/quota-admission';
import { commitLimits, quotaExceeded } from '../quota/quota-limits';
import { defaultChecksumType, supportsChecksumType } from './multipart-checksum';
import { originOf } from '../change-origin';
import { ABORT_UPLOAD, COMMIT_PART, CREATE_UPLOAD } from './multipart.statements';
import { MAX_PART_BYTES } from './multipart.types';
import type { CopyPart, CreateUpload, PartWritten, PutPart, UploadAddress } from './multipart.types';
import { UploadFinder } from './upload-finder';
import type { UploadRow } from './upload-finder';

const DEFAULT_ALGORITHM: ChecksumAlgorithm = 'CRC64NVME';

/** Uploads in parts, up to the moment when they are completed (see `UploadCompleter`) or aborted. */
@Injectable()
export class MultipartService {
  constructor(
    private readonly database: Database,
    private readonly containers: ContainerService,
    private readonly artifacts: ArtifactService,
    private readonly blobs: BlobStore,
    private readonly uploads: UploadFinder,
    private readonly quotas: QuotaAdmission,
    private readonly placements: Placements,
  ) {}

  async create(
    ctx: OperationContext,
    request: CreateUpload,
  ): Promise<{
    readonly uploadId: UploadId;
    readonly checksumAlgorithm: ChecksumAlgorithm;
    readonly checksumType: ChecksumType;
  }> {
    const checksumAlgorithm = request.checksumAlgorithm ?? DEFAULT_ALGORITHM;
    const checksumType = request.checksumType ?? defaultChecksumType(checksumAlgorithm);
    if (!supportsChecksumType(checksumAlgorithm, checksumType)) {
      throw new EngineError({
        kind: 'ChecksumTypeMismatch',
        message: `The ${checksumType} checksum type cannot be used with the ${checksumAlgorithm} checksum algorithm.`,
      });
    }
    const id = toUploadId(uuidv7());
    const columns = attributeColumns(request.attributes);
    const container = await this.containers.getFresh(ctx, request.container);
    this.placements.choose(ctx, {
      container,
      storageClass: request.attributes.storageClass,
      contentType: request.attributes.headers.contentType,
      sizeBytes: undefined,
    });
    const [row] = await this.database.query<{ outcome: string }>(CREATE_UPLOAD, [
      id,
      ctx.tenantId,
      container.id,
      request.key,
      ownerOf(ctx).userId,
      columns.contentType,
      columns.headers,
      columns.metadata,
      columns.tags,
      request.attributes.storageClass,
      checksumAlgorithm,
      checksumType,
      request.checksumAlgorithm !== undefined,
    ]);
    if (row?.outcome !== 'ok') throw new EngineError({ kind: 'NoSuchContainer', container: request.container });
    return { uploadId: id, checksumAlgorithm, checksumType };
  }

  /** Writes a part; one of the same number is replaced. */
  async putPart(ctx: OperationContext, request: PutPart): Promise<PartWritten> {
    const upload = await this.uploads.findOpen(ctx, request);
    if (upload.is_checksum_requested && request.body.storedChecksum !== upload.checksum_algorithm) {
      requireOwnChecksum(upload, request.body);
    }
    return this.storePart(ctx, request, upload, request.body);
  }

  /** Writes a part from an artifact or a range of one. */
  async copyPart(ctx: OperationContext, request: CopyPart): Promise<PartWritten> {
    const upload = await this.uploads.findOpen(ctx, request);
    const version = await this.artifacts.findSource(ctx, request.source);
    const { stat } = version;
    checkCopySourceConditions(request.sourceConditions, stat);
    const range =
      request.sourceRange === undefined
        ? undefined
        : { start: request.sourceRange.start, end: request.sourceRange.end ?? stat.sizeBytes - 1 };
    if (range !== undefined && range.end >= stat.sizeBytes) {
      throw new EngineError({
        kind: 'RangeNotSatisfiable',
        sizeBytes: stat.sizeBytes,
        range: `bytes=${String(range.start)}-${String(range.end)}`,
      });
    }
    const written = await this.artifacts.withBody(ctx, version, range, (body) =>
      this.storePart(ctx, request, upload, {
        source: Buffer.isBuffer(body) ? Readable.from([body]) : body,
        sizeBytes: range === undefined ? stat.sizeBytes : range.end - range.start + 1,
        expectations: [],
        storedChecksum: upload.checksum_algorithm,
      }),
    );
    return { ...written, sourceVersionId: stat.versionId };
  }

  /** Frees all parts. Parts still on their way are refused when they want to commit. */
  async abort(ctx: OperationContext, address: UploadAddress): Promise<void> {
    const upload = await this.uploads.findOpen(ctx, address);
    const [row] = await this.database.query<{ outcome: string }>(ABORT_UPLOAD, [upload.id]);
    if (row?.outcome !== 'ok') throw new EngineError({ kind: 'NoSuchUpload', uploadId: address.uploadId });
  }

  private async storePart(
    ctx: OperationContext,
    request: UploadAddress & { readonly partNumber: number },
    upload: UploadRow,
    body: IncomingBody,
  ): Promise<PartWritten> {
    const container = await this.containers.get(ctx, request.container);
    const admission = this.quotas.admitPart(ctx, container, request, body.sizeBytes);
    const placement = this.placements.ofStored(ctx, {
      container,
      storageClass: upload.storage_class,
      contentType: upload.content_type ?? undefined,
      sizeBytes: undefined,
    });
    if (admission !== undefined) await admission;
    const blob = await this.blobs.store(ctx, body, {
      placement,
      maxBytes: MAX_PART_BYTES,
      alsoCompute: [upload.checksum_algorithm],
    });
    try {
      const etag = blob.md5.toString('hex');
      const ofUpload = checksumOf(blob, upload.checksum_algorithm);
      const [row] = await this.database.query<{ outcome: string; created_at: Date; quota: string | null }>(
        COMMIT_PART,
        [
          upload.id,
          request.partNumber,
          ctx.tenantId,
          blob.id,
          blob.md5,
          blob.inline,
          blob.sizeBytes,
          etag,
          ofUpload?.value,
          commitLimits(ctx, container),
          originOf(ctx),
        ],
      );
      if (row?.outcome === 'NoSuchUpload') {
        throw new EngineError({ kind: 'NoSuchUpload', uploadId: request.uploadId });
      }
      if (row?.outcome === 'QuotaExceeded') throw quotaExceeded(ctx, container, row.quota);
      if (row?.outcome !== 'ok') {
        throw new EngineError({ kind: 'Interrupted', message: 'The part was withdrawn before the commit.' });
      }
      return { etag, checksum: checksumOf(blob, body.storedChecksum), lastModified: row.created_at };
    } catch (error) {
      await this.blobs.discard(ctx, blob);
      throw error;
    }
  }
}

/** A part of an upload that was begun with an algorithm carries that one, or none at all (then it is computed). */
function requireOwnChecksum(upload: UploadRow, body: IncomingBody): void {
  const isComputedHere = !body.expectations.some(({ algorithm }) => algorithm !== 'md5' && algorithm !== 'sha256');
  if (isComputedHere && body.storedChecksum === DEFAULT_ALGORITHM) return;
  throw new EngineError({
    kind: 'ChecksumTypeMismatch',
    message:
      `Checksum Type mismatch occurred, expected checksum Type: ${upload.checksum_algorithm.toLowerCase()}, ` +
      `actual checksum Type: ${body.storedChecksum.toLowerCase()}`,
  });
}
