import { Injectable } from '@nestjs/common';
import { Readable } from 'node:stream';
import { blobId } from '../../context/ids';
import type { OperationContext } from '../../context/operation-context';
import { Database } from '../../database/database';
import { DriverError } from '../../drivers/driver.errors';
import type { ResolvedRange } from '../artifacts/byte-range';
import { ReplicaReader } from '../placement/replica-reader';
import { FIND_INLINE_BODY, FIND_MANIFEST_PARTS } from './blob.statements';

const READ_CHUNK_BYTES = 256 * 1024;

/** Where the bytes of an artifact are, as its row says. All null: it is empty. */
export interface BlobLocation {
  readonly blob_id: string | null;
  readonly driver: string | null;
  readonly inline_body: Buffer | null;
  readonly manifest_id: string | null;
}

interface ManifestPartRow {
  readonly part_number: number;
  readonly blob_id: string;
  readonly start_byte: string;
  readonly size_bytes: string;
  readonly driver: string | null;
}

/** Opens the bytes of artifacts, wherever they are. */
@Injectable()
export class BlobReader {
  constructor(
    private readonly database: Database,
    private readonly replicas: ReplicaReader,
  ) {}

  /**
   * The bytes of `range` in an artifact of `sizeBytes`: a Buffer when they are at hand, else a stream whose source is
   * open already, so that a missing blob rejects here and not midway.
   */
  async open(
    ctx: OperationContext,
    location: BlobLocation,
    sizeBytes: number,
    range: ResolvedRange | undefined,
  ): Promise<Buffer | Readable> {
    if (sizeBytes === 0) return Buffer.alloc(0);
    const start = range?.start ?? 0;
    const end = range?.end ?? sizeBytes - 1;
    if (location.manifest_id !== null) return this.openManifest(ctx, location.manifest_id, { start, end });
    if (location.blob_id === null) throw new Error('an artifact with bytes has neither blob nor manifest');
    if (location.inline_body !== null) {
      return range === undefined ? location.inline_body : location.inline_body.subarray(start, end + 1);
    }
    const part = range === undefined ? undefined : { start, end };
    return this.openBlob(ctx, location.blob_id, location.driver, sizeBytes, part);
  }

  private async openBlob(
    ctx: OperationContext,
    id: string,
    driver: string | null,
    sizeBytes: number,
    range: ResolvedRange | undefined,
  ): Promise<Readable> {
    if (driver === null) {
      const [row] = await this.database.read<{ inline_body: Buffer }>(FIND_INLINE_BODY, [id]);
      if (row === undefined) throw new DriverError('NotFound', `inline blob ${id} is gone`);
      const { inline_body: bytes } = row;
      return Readable.from([range === undefined ? bytes : bytes.subarray(range.start, range.end + 1)]);
    }
    return this.replicas.open(ctx, { id: blobId(id), driver, sizeBytes }, range);
  }

  private async openManifest(ctx: OperationContext, manifestId: string, range: ResolvedRange): Promise<Readable> {
    const parts = await this.database.query<ManifestPartRow>(FIND_MANIFEST_PARTS, [manifestId, range.start, range.end]);
    const [first, ...rest] = parts;
    if (first === undefined) throw new DriverError('NotFound', `manifest ${manifestId} has no part in the range`);
    const opened = await this.openPart(ctx, first, range);
    if (rest.length === 0) return opened;
    const chunks = this.concatenate(ctx, opened, rest, range);
    return Readable.from(chunks, { objectMode: false, highWaterMark: READ_CHUNK_BYTES });
  }

  private async *concatenate(
    ctx: OperationContext,
    first: Readable,
    rest: readonly ManifestPartRow[],
    range: ResolvedRange,
  ): AsyncGenerator<Uint8Array> {
    yield* first;
    for (const part of rest) yield* await this.openPart(ctx, part, range);
  }

  private openPart(ctx: OperationContext, part: ManifestPartRow, range: ResolvedRange): Promise<Readable> {
    const partStart = Number(part.start_byte);
    const sizeBytes = Number(part.size_bytes);
    const lastByte = sizeBytes - 1;
    const start = Math.max(0, range.start - partStart);
    const end = Math.min(lastByte, range.end - partStart);
    const isWhole = start === 0 && end === lastByte;
    return this.openBlob(ctx, part.blob_id, part.driver, sizeBytes, isWhole ? undefined : { start, end });
  }
}
