import { Injectable } from '@nestjs/common';
import type { OperationContext } from '../../context/operation-context';
import { Database } from '../../database/database';
import { toChecksum } from '../artifacts/artifact.rows';
import { ContainerService } from '../containers/container.service';
import { prefixSuccessor } from '../listing/key-order';
import type { ListedOwner } from '../listing/listing.types';
import { OwnerDirectory, UNKNOWN_OWNER } from '../owner-directory';
import { LIST_UPLOADS, LOAD_PARTS } from './multipart.statements';
import type { ListUploads, PartPage, UploadAddress, UploadPage, UploadSummary } from './multipart.types';
import { isUploadId, UploadFinder } from './upload-finder';
import type { UploadRow } from './upload-finder';

interface ListedPartRow {
  readonly part_number: number;
  readonly size_bytes: string;
  readonly etag: string;
  readonly checksum_value: string;
  readonly created_at: Date;
}

/** Lists uploads in progress and their parts. */
@Injectable()
export class UploadLister {
  constructor(
    private readonly database: Database,
    private readonly containers: ContainerService,
    private readonly owners: OwnerDirectory,
    private readonly uploads: UploadFinder,
  ) {}

  async listParts(
    ctx: OperationContext,
    address: UploadAddress,
    page: { readonly afterPartNumber: number; readonly maxParts: number },
  ): Promise<PartPage> {
    const upload = await this.uploads.findOpen(ctx, address);
    const rows = await this.database.query<ListedPartRow & Readonly<Record<string, unknown>>>(LOAD_PARTS, [
      upload.id,
      page.afterPartNumber,
      page.maxParts + 1,
    ]);
    const parts = rows.slice(0, page.maxParts).map((row) => ({
      partNumber: row.part_number,
      sizeBytes: Number(row.size_bytes),
      etag: row.etag,
      checksum: upload.is_checksum_requested
        ? toChecksum(upload.checksum_algorithm, upload.checksum_type, row.checksum_value)
        : undefined,
      lastModified: row.created_at,
    }));
    const owners = await this.owners.find([upload.owner_id]);
    return {
      upload: toSummary(upload, owners),
      parts,
      isTruncated: rows.length > parts.length,
      nextPartNumberMarker: parts.at(-1)?.partNumber ?? 0,
    };
  }

  /** In key order, then by time begun; uploads and common prefixes count together against `maxUploads`. */
  async listUploads(ctx: OperationContext, request: ListUploads): Promise<UploadPage> {
    const container = await this.containers.getFresh(ctx, request.container);
    const { prefix, delimiter, maxUploads } = request;
    const upper = prefixSuccessor(prefix);
    const found: UploadRow[] = [];
    const commonPrefixes: string[] = [];
    const entryCount = (): number => found.length + commonPrefixes.length;
    let afterKey = request.keyMarker;
    let afterId = isUploadId(request.uploadIdMarker) ? request.uploadIdMarker : null;
    const marked = commonPrefixOf(afterKey, prefix, delimiter);
    // Keys from here on; moves past a common prefix once that was listed.
    let from = marked === undefined ? prefix : prefixSuccessor(marked);
    let last: { readonly key: string; readonly id: string | undefined } | undefined;
    for (;;) {
      const rows = await this.database.query<UploadRow & Readonly<Record<string, unknown>>>(LIST_UPLOADS, [
        container.id,
        from,
        upper,
        afterKey,
        afterId,
        // One more than there is room for tells whether the page is the last.
        maxUploads - entryCount() + 1,
      ]);
      let isSkipping = false;
      for (const row of rows) {
        if (entryCount() === maxUploads) return this.toPage(found, commonPrefixes, last);
        const common = commonPrefixOf(row.key, prefix, delimiter);
        if (common !== undefined) {
          commonPrefixes.push(common);
          last = { key: common, id: undefined };
          from = prefixSuccessor(common);
          isSkipping = true;
          break;
        }
        found.push(row);
        last = { key: row.key, id: row.id };
        afterKey = row.key;
        afterId = row.id;
      }
      if (!isSkipping) return this.toPage(found, commonPrefixes, undefined);
    }
  }

  private async toPage(
    found: readonly UploadRow[],
    commonPrefixes: readonly string[],
    last: { readonly key: string; readonly id: string | undefined } | undefined,
  ): Promise<UploadPage> {
    const owners = await this.owners.find(found.map((row) => row.owner_id));
    return {
      uploads: found.map((row) => toSummary(row, owners)),
      commonPrefixes,
      isTruncated: last !== undefined,
      nextKeyMarker: last?.key,
      nextUploadIdMarker: last?.id,
    };
  }
}

function commonPrefixOf(key: string, prefix: string, delimiter: string): string | undefined {
  if (delimiter === '' || !key.startsWith(prefix)) return undefined;
  const at = key.indexOf(delimiter, prefix.length);
  return at === -1 ? undefined : key.slice(0, at + delimiter.length);
}

function toSummary(row: UploadRow, owners: ReadonlyMap<string, ListedOwner>): UploadSummary {
  const owner = owners.get(row.owner_id) ?? UNKNOWN_OWNER;
  return {
    key: row.key,
    uploadId: row.id,
    initiatedAt: row.initiated_at,
    storageClass: row.storage_class,
    owner,
    initiator: owner,
    checksumAlgorithm: row.is_checksum_requested ? row.checksum_algorithm : undefined,
    checksumType: row.is_checksum_requested ? row.checksum_type : undefined,
  };
}
