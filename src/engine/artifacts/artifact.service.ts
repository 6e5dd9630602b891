import { Injectable } from '@nestjs/common';
import type { Readable } from 'node:stream';
import type { ArtifactKey, ContainerName } from '../../context/ids';
import type { OperationContext } from '../../context/operation-context';
import { VaultaireConfig } from '../../config/vaultaire-config';
import { tracing } from '../../context/tracing';
import { Database } from '../../database/database';
import { archiveStatusOf } from '../archive/archive-status';
import { ActiveReads } from '../blobs/active-reads';
import { BlobReader } from '../blobs/blob-reader';
import { ContainerService } from '../containers/container.service';
import type { Container } from '../containers/container.types';
import { originOf } from '../change-origin';
import { EngineError } from '../engine.errors';
import { TrafficMeter } from '../quota/traffic-meter';
import type {
  ArtifactAddress,
  ArtifactPart,
  ArtifactRead,
  ArtifactStat,
  Checksum,
  GetArtifact,
} from './artifact.types';
import { jsonOrNull, toChecksum, toStat } from './artifact.rows';
import type { VersionRow, VersionWithBlobRow } from './artifact.rows';
import { FIND_MANIFEST_PART, FIND_VERSION, LIST_MANIFEST_PARTS, READ_VERSION, SET_TAGS } from './artifact.statements';
import { resolveRange } from './byte-range';
import type { ResolvedRange } from './byte-range';
import { checkReadConditions } from './read-conditions';
import { VersionFinder } from './version-finder';
import { encodeVersionId } from './version-id';

/** An artifact version that was found, with the container it is in. */
export interface LocatedVersion<Row extends VersionRow> {
  readonly container: Container;
  readonly row: Row;
  readonly stat: ArtifactStat;
}

/** Reads artifacts. One round trip for the row and, where they are inline, the bytes. */
@Injectable()
export class ArtifactService {
  private readonly rows: VersionFinder<VersionRow>;
  private readonly blobs: VersionFinder<VersionWithBlobRow>;
  private readonly archiveClasses: VaultaireConfig['archiveClasses'];

  constructor(
    private readonly database: Database,
    private readonly containers: ContainerService,
    private readonly reader: BlobReader,
    private readonly activeReads: ActiveReads,
    private readonly traffic: TrafficMeter,
    { archiveClasses }: VaultaireConfig,
  ) {
    this.archiveClasses = archiveClasses;
    this.rows = new VersionFinder(database, FIND_VERSION);
    this.blobs = new VersionFinder(database, READ_VERSION);
  }

  /** Opens an artifact. The body must be consumed or destroyed. Throws `QuotaExceeded` when the month's egress is used up. */
  get(ctx: OperationContext, request: GetArtifact): Promise<ArtifactRead> {
    return tracing()?.inSpan('engine.get', () => this.open(ctx, request)) ?? this.open(ctx, request);
  }

  private async open(ctx: OperationContext, request: GetArtifact): Promise<ArtifactRead> {
    const admission = this.traffic.admitRead(ctx);
    if (admission !== undefined) await admission;
    const endRead = this.activeReads.begin();
    let isStreaming = false;
    try {
      const located = await this.locate(ctx, request, this.blobs);
      const { row, stat } = located;
      checkReadConditions(request.conditions, stat);
      assertReadable(stat);
      const { range, partChecksum } = await this.resolve(request, located);
      const body = await this.reader.open(ctx, row, stat.sizeBytes, range);
      if (!Buffer.isBuffer(body)) {
        isStreaming = true;
        onceClosed(body, endRead);
      }
      return { stat, range, partChecksum, lengthBytes: lengthOf(stat, range), body };
    } finally {
      if (!isStreaming) endRead();
    }
  }

  /** What {@link get} would answer, without the bytes. */
  async head(ctx: OperationContext, request: GetArtifact): Promise<ArtifactRead> {
    const located = await this.locate(ctx, request, this.rows);
    checkReadConditions(request.conditions, located.stat);
    const { range, partChecksum } = await this.resolve(request, located);
    return { stat: located.stat, range, partChecksum, lengthBytes: lengthOf(located.stat, range), body: undefined };
  }

  /** Parts of an artifact that was uploaded in parts, in order; none for any other. */
  async listParts(
    ctx: OperationContext,
    address: ArtifactAddress,
    page: { readonly afterPartNumber: number; readonly maxParts: number },
  ): Promise<{ readonly stat: ArtifactStat; readonly parts: readonly ArtifactPart[]; readonly isTruncated: boolean }> {
    const { row, stat } = await this.locate(ctx, address, this.rows);
    if (row.manifest_id === null) return { stat, parts: [], isTruncated: false };
    const rows = await this.database.read<{
      part_number: number;
      size_bytes: string;
      etag: string;
      checksum_value: string | null;
    }>(LIST_MANIFEST_PARTS, [row.manifest_id, page.afterPartNumber, page.maxParts + 1]);
    const parts = rows.slice(0, page.maxParts).map((part) => ({
      partNumber: part.part_number,
      sizeBytes: Number(part.size_bytes),
      etag: part.etag,
      checksum: partChecksumOf(row, part.checksum_value),
    }));
    return { stat, parts, isTruncated: rows.length > parts.length };
  }

  /** Replaces the tags of a version; its bytes, ETag and time stay. */
  async setTags(
    ctx: OperationContext,
    address: ArtifactAddress,
    tags: Readonly<Record<string, string>>,
  ): Promise<{ readonly versionId: string | undefined }> {
    const { container, row, stat } = await this.locate(ctx, address, this.rows);
    await this.database.query(SET_TAGS, [container.id, address.key, row.id, jsonOrNull(tags), originOf(ctx)]);
    return { versionId: stat.versionId };
  }

  /** The version that `address` names, with its bytes' location. */
  find(ctx: OperationContext, address: ArtifactAddress): Promise<LocatedVersion<VersionWithBlobRow>> {
    return this.locate(ctx, address, this.blobs);
  }

  /** {@link find} for the source of a copy. Throws `ArtifactArchived`. */
  async findSource(ctx: OperationContext, address: ArtifactAddress): Promise<LocatedVersion<VersionWithBlobRow>> {
    const version = await this.locate(ctx, address, this.blobs);
    assertReadable(version.stat);
    return version;
  }

  /** Runs `work` with the bytes of a version that was found; blobs are kept while it runs. */
  async withBody<T>(
    ctx: OperationContext,
    version: LocatedVersion<VersionWithBlobRow>,
    range: ResolvedRange | undefined,
    work: (body: Buffer | Readable) => Promise<T>,
  ): Promise<T> {
    const endRead = this.activeReads.begin();
    try {
      const body = await this.reader.open(ctx, version.row, version.stat.sizeBytes, range);
      try {
        return await work(body);
      } finally {
        if (!Buffer.isBuffer(body)) body.destroy();
      }
    } finally {
      endRead();
    }
  }

  private async locate<Row extends VersionRow>(
    ctx: OperationContext,
    address: ArtifactAddress,
    finder: VersionFinder<Row>,
  ): Promise<LocatedVersion<Row>> {
    const cached = this.containers.getCached(ctx, address.container);
    if (cached !== undefined) {
      const row = await finder.find(cached.id, address.key, address.versionId);
      if (row !== undefined) return this.located(cached, address, row);
    }
    // Not cached, or a miss that a container deleted and made again elsewhere would explain: ask the database.
    const container = await this.containers.getAgain(ctx, address.container, cached);
    const row =
      container.id === cached?.id ? undefined : await finder.find(container.id, address.key, address.versionId);
    if (row !== undefined) return this.located(container, address, row);
    throw notFound(address, undefined);
  }

  private located<Row extends VersionRow>(
    container: Container,
    address: ArtifactAddress,
    row: Row,
  ): LocatedVersion<Row> {
    if (row.is_delete_marker) {
      const versionId = encodeVersionId(row.id, row.is_null_version);
      if (address.versionId === undefined) throw notFound(address, versionId);
      throw new EngineError({ kind: 'IsDeleteMarker', key: address.key, versionId, lastModified: row.created_at });
    }
    const stat = toStat(address.key, row, container.versioning !== 'off');
    const archiveClass = this.archiveClasses.get(row.storage_class);
    if (archiveClass === undefined) return { container, row, stat };
    const archive = archiveStatusOf(row.restore, archiveClass.onDriver, Date.now());
    return { container, row, stat: { ...stat, archive } };
  }

  private async resolve(
    request: GetArtifact,
    { row, stat }: LocatedVersion<VersionRow>,
  ): Promise<{ readonly range: ResolvedRange | undefined; readonly partChecksum: Checksum | undefined }> {
    const { range } = request;
    if (range === undefined) return { range: undefined, partChecksum: undefined };
    if (range.kind !== 'part') return { range: resolveRange(range, stat.sizeBytes), partChecksum: undefined };
    if (row.manifest_id === null) {
      if (range.partNumber !== 1) throw new EngineError({ kind: 'PartNumberNotSatisfiable', partCount: 1 });
      return { range: undefined, partChecksum: stat.checksum };
    }
    const [part] = await this.database.read<{ start_byte: string; size_bytes: string; checksum_value: string | null }>(
      FIND_MANIFEST_PART,
      [row.manifest_id, range.partNumber],
    );
    if (part === undefined) {
      throw new EngineError({ kind: 'PartNumberNotSatisfiable', partCount: row.part_count ?? 0 });
    }
    const start = Number(part.start_byte);
    const sizeBytes = Number(part.size_bytes);
    return {
      range: sizeBytes === 0 ? undefined : { start, end: start + sizeBytes - 1 },
      partChecksum: partChecksumOf(row, part.checksum_value),
    };
  }
}

function assertReadable({ archive, attributes }: ArtifactStat): void {
  if (archive?.isReadable === false)
    throw new EngineError({ kind: 'ArtifactArchived', storageClass: attributes.storageClass });
}

function notFound(
  address: { readonly container: ContainerName; readonly key: ArtifactKey; readonly versionId: string | undefined },
  deleteMarkerVersionId: string | undefined,
): EngineError {
  return address.versionId === undefined
    ? new EngineError({ kind: 'NoSuchArtifact', key: address.key, deleteMarkerVersionId })
    : new EngineError({ kind: 'NoSuchVersion', key: address.key, versionId: address.versionId });
}

/** A part's own checksum is over its bytes, whichever type the artifact's has. */
function partChecksumOf(row: VersionRow, value: string | null): Checksum | undefined {
  return toChecksum(row.checksum_algorithm, row.checksum_type, value);
}

const lengthOf = (stat: ArtifactStat, range: ResolvedRange | undefined): number =>
  range === undefined ? stat.sizeBytes : range.end - range.start + 1;

function onceClosed(body: Readable, listener: () => void): void {
  if (body.closed) listener();
  else body.once('close', listener);
}
