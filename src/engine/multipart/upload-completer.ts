import { Injectable } from '@nestjs/common';
import type { OperationContext } from '../../context/operation-context';
import { Database } from '../../database/database';
import { throwUnlessCommitted } from '../artifacts/artifact-writer';
import type { CommitRow } from '../artifacts/artifact-writer';
import type { ArtifactWritten } from '../artifacts/artifact.types';
import { encodeVersionId } from '../artifacts/version-id';
import { originOf } from '../change-origin';
import { ContainerService } from '../containers/container.service';
import type { Container } from '../containers/container.types';
import { EngineError } from '../engine.errors';
import { assertNotTooLarge, commitLimits } from '../quota/quota-limits';
import { multipartChecksum, multipartEtag } from './multipart-checksum';
import { COMPLETE_UPLOAD, LOAD_PARTS } from './multipart.statements';
import { MAX_PART_NUMBER, MIN_PART_BYTES } from './multipart.types';
import type { CompletePart, CompleteUpload } from './multipart.types';
import { UploadFinder } from './upload-finder';
import type { CompletedUpload, UploadRow } from './upload-finder';

/** Times the parts are read again when one of them was replaced between reading and committing. */
const MAX_ATTEMPTS = 3;

interface PartRow {
  readonly part_number: number;
  readonly blob_id: string | null;
  readonly size_bytes: string;
  readonly etag: string;
  readonly checksum_value: string;
}

interface ChosenPart {
  readonly partNumber: number;
  readonly blobId: string | null;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly checksum: string;
}

/** Makes an artifact of the parts of an upload. The cost is that of rows: no byte is read or moved. */
@Injectable()
export class UploadCompleter {
  constructor(
    private readonly database: Database,
    private readonly uploads: UploadFinder,
    private readonly containers: ContainerService,
  ) {}

  /** A retry of an upload that was completed already gets the first answer again. */
  async complete(ctx: OperationContext, request: CompleteUpload): Promise<ArtifactWritten> {
    const upload = await this.uploads.find(ctx, request);
    if (upload.result !== null) return repeated(upload, upload.result);
    const container = await this.containers.get(ctx, request.container);
    for (let attempt = 1; ; attempt += 1) {
      const stored = await this.loadParts(upload.id);
      if (stored.size === 0) {
        // Another request that completed or aborted the upload meanwhile took the parts away.
        const now = await this.uploads.find(ctx, request);
        if (now.result !== null) return repeated(now, now.result);
      }
      const parts = choose(request, upload, stored);
      const result = resultOf(request, upload, parts);
      assertNotTooLarge(ctx, result.sizeBytes);
      const row = await this.commit(ctx, container, request, upload, parts, result);
      if (row.outcome === 'Changed' && attempt < MAX_ATTEMPTS) continue;
      if (row.outcome === 'Changed') {
        throw new EngineError({ kind: 'Conflict', message: 'A part of this upload is being written.' });
      }
      if (row.outcome === 'NoSuchUpload') {
        // Another request completed or aborted it while this one was on its way.
        const now = await this.uploads.find(ctx, request);
        if (now.result !== null) return repeated(now, now.result);
        throw new EngineError({ kind: 'NoSuchUpload', uploadId: request.uploadId });
      }
      throwUnlessCommitted(ctx, container, row, request);
      return {
        etag: result.etag,
        checksum: { algorithm: upload.checksum_algorithm, type: upload.checksum_type, value: result.checksum },
        versionId: row.was_versioned ? encodeVersionId(row.version_id, row.is_null_version) : undefined,
        lastModified: row.created_at,
        sizeBytes: result.sizeBytes,
      };
    }
  }

  private async loadParts(uploadId: string): Promise<Map<number, PartRow>> {
    const rows = await this.database.query<PartRow & Readonly<Record<string, unknown>>>(LOAD_PARTS, [
      uploadId,
      0,
      MAX_PART_NUMBER,
    ]);
    return new Map(rows.map((row) => [row.part_number, row]));
  }

  private async commit(
    ctx: OperationContext,
    container: Container,
    request: CompleteUpload,
    upload: UploadRow,
    parts: readonly ChosenPart[],
    result: Pick<CompletedUpload, 'etag' | 'checksum' | 'sizeBytes'>,
  ): Promise<CommitRow> {
    const [row] = await this.database.query<CommitRow & Readonly<Record<string, unknown>>>(COMPLETE_UPLOAD, [
      upload.id,
      parts.map((part) => part.partNumber),
      parts.map((part) => part.blobId),
      parts.map((part) => part.etag),
      result.sizeBytes,
      result.etag,
      result.checksum,
      request.conditions.ifMatch ?? null,
      request.conditions.ifNoneMatch ?? null,
      JSON.stringify(result),
      commitLimits(ctx, container),
      originOf(ctx),
    ]);
    if (row === undefined) throw new Error('vaultaire_complete_upload returned no row');
    return row;
  }
}

/** The stored parts that the client's list names, each checked against what the list says of it. */
function choose(request: CompleteUpload, upload: UploadRow, stored: ReadonlyMap<number, PartRow>): ChosenPart[] {
  const { uploadId } = request;
  let previous = 0;
  const chosen = request.parts.map((named) => {
    if (named.partNumber <= previous) throw new EngineError({ kind: 'InvalidPartOrder', uploadId });
    previous = named.partNumber;
    const part = stored.get(named.partNumber);
    if (part === undefined || !isAsNamed(part, named, upload)) {
      throw new EngineError({ kind: 'InvalidPart', partNumber: named.partNumber, uploadId });
    }
    return {
      partNumber: part.part_number,
      blobId: part.blob_id,
      sizeBytes: Number(part.size_bytes),
      etag: part.etag,
      checksum: part.checksum_value,
    };
  });
  for (const part of chosen.slice(0, -1)) {
    if (part.sizeBytes < MIN_PART_BYTES) {
      const { partNumber, sizeBytes } = part;
      throw new EngineError({ kind: 'PartTooSmall', partNumber, sizeBytes, minBytes: MIN_PART_BYTES });
    }
  }
  return chosen;
}

function isAsNamed(part: PartRow, named: CompletePart, upload: UploadRow): boolean {
  const checksum = named.checksums[upload.checksum_algorithm];
  return part.etag === named.etag && (checksum === undefined || checksum === part.checksum_value);
}

function resultOf(
  request: CompleteUpload,
  upload: UploadRow,
  parts: readonly ChosenPart[],
): Pick<CompletedUpload, 'etag' | 'checksum' | 'sizeBytes'> {
  const { checksum_algorithm: algorithm, checksum_type: type } = upload;
  const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
  const checksum = multipartChecksum(algorithm, type, parts);
  const { expectedChecksum, expectedChecksumType, expectedSizeBytes } = request;
  if (expectedChecksumType !== undefined && expectedChecksumType !== type) {
    throw new EngineError({
      kind: 'ChecksumTypeMismatch',
      message: `The upload was created using the ${type} checksum mode. The complete request must use the same checksum mode.`,
    });
  }
  if (expectedChecksum !== undefined) {
    const isSame = expectedChecksum.algorithm === algorithm && expectedChecksum.value === checksum;
    if (!isSame) throw new EngineError({ kind: 'ChecksumMismatch', algorithm: expectedChecksum.algorithm });
  }
  if (expectedSizeBytes !== undefined && expectedSizeBytes !== sizeBytes) {
    throw new EngineError({ kind: 'SizeMismatch', expectedBytes: expectedSizeBytes, actualBytes: sizeBytes });
  }
  return { etag: multipartEtag(parts), checksum, sizeBytes };
}

function repeated(upload: UploadRow, result: CompletedUpload): ArtifactWritten {
  return {
    etag: result.etag,
    checksum: { algorithm: upload.checksum_algorithm, type: upload.checksum_type, value: result.checksum },
    versionId: result.wasVersioned ? encodeVersionId(result.versionId, result.isNullVersion) : undefined,
    lastModified: new Date(result.lastModified),
    sizeBytes: result.sizeBytes,
  };
}
