import { Injectable } from '@nestjs/common';
import type { OperationContext } from '../../context/operation-context';
import { Database } from '../../database/database';
import type { ChecksumAlgorithm, ChecksumType } from '../artifacts/artifact.types';
import { ContainerService } from '../containers/container.service';
import { EngineError } from '../engine.errors';
import { FIND_UPLOAD } from './multipart.statements';
import type { UploadAddress } from './multipart.types';

/** A row of `multipart_uploads`. */
export interface UploadRow {
  readonly id: string;
  readonly key: string;
  readonly state: 'open' | 'completed';
  readonly owner_id: string;
  readonly content_type: string | null;
  readonly storage_class: string;
  readonly checksum_algorithm: ChecksumAlgorithm;
  readonly checksum_type: ChecksumType;
  /** The client named the algorithm when it began the upload. */
  readonly is_checksum_requested: boolean;
  readonly initiated_at: Date;
  /** What completing it answered; only in state `completed`. */
  readonly result: CompletedUpload | null;
}

/** Kept for a day after completion, so that a client that missed the answer gets it again. */
export interface CompletedUpload {
  readonly etag: string;
  readonly checksum: string;
  readonly sizeBytes: number;
  readonly versionId: string;
  readonly isNullVersion: boolean;
  readonly wasVersioned: boolean;
  readonly lastModified: string;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether `value` has the form of the ids that this server gives; any other names no upload. */
export const isUploadId = (value: string): boolean => UUID.test(value);

/** Looks uploads up by container, key and id together: an id alone opens nothing. */
@Injectable()
export class UploadFinder {
  constructor(
    private readonly database: Database,
    private readonly containers: ContainerService,
  ) {}

  /** Throws `NoSuchUpload`. */
  async find(ctx: OperationContext, address: UploadAddress): Promise<UploadRow> {
    if (isUploadId(address.uploadId)) {
      const container = await this.containers.getFresh(ctx, address.container);
      const [row] = await this.database.read<UploadRow & Readonly<Record<string, unknown>>>(FIND_UPLOAD, [
        address.uploadId,
        container.id,
        address.key,
      ]);
      if (row !== undefined) return row;
    }
    throw new EngineError({ kind: 'NoSuchUpload', uploadId: address.uploadId });
  }

  /** Throws `NoSuchUpload` for a completed one as well. */
  async findOpen(ctx: OperationContext, address: UploadAddress): Promise<UploadRow> {
    const upload = await this.find(ctx, address);
    if (upload.state !== 'open') throw new EngineError({ kind: 'NoSuchUpload', uploadId: address.uploadId });
    return upload;
  }
}
