import { Injectable } from '@nestjs/common';
import { VaultaireConfig } from '../../config/vaultaire-config';
import type { ContainerName } from '../../context/ids';
import type { OperationContext } from '../../context/operation-context';
import { Database } from '../../database/database';
import type { Statement } from '../../database/database';
import { archiveStatusOf } from '../archive/archive-status';
import type { ArchiveStatus, StoredRestore } from '../archive/archive-status';
import { RESTORES_OF_KEYS } from '../archive/restore.statements';
import type { ChecksumAlgorithm, ChecksumType } from '../artifacts/artifact.types';
import { encodeVersionId, selectVersion } from '../artifacts/version-id';
import { ContainerService } from '../containers/container.service';
import { OwnerDirectory, UNKNOWN_OWNER } from '../owner-directory';
import { prefixSuccessor } from './key-order';
import type {
  ArtifactPage,
  ListArtifacts,
  ListedArtifact,
  ListedOwner,
  ListedVersion,
  ListVersions,
  VersionPage,
} from './listing.types';

/** Without a delimiter a page is one scan of the listing index. */
const LIST_FLAT: Statement = {
  name: 'list_artifacts_flat',
  text: `SELECT key, NULL AS common_prefix, size_bytes, etag, created_at, storage_class, checksum_algorithm,
      checksum_type, owner_id
    FROM artifact_versions
    WHERE container_id = $1 AND is_latest AND NOT is_delete_marker AND key > $2 AND key >= $3 AND key < $4
    ORDER BY key LIMIT $5`,
};
const LIST_DELIMITED: Statement = {
  name: 'list_artifacts_delimited',
  text: 'SELECT * FROM vaultaire_list_artifacts($1, $2, $3, $4, $5, $6)',
};
const LIST_VERSIONS: Statement = {
  name: 'list_versions',
  text: 'SELECT * FROM vaultaire_list_versions($1, $2, $3, $4, $5, $6, $7)',
};

interface ListedRow {
  readonly key: string | null;
  readonly common_prefix: string | null;
  readonly size_bytes: string;
  readonly etag: string;
  readonly created_at: Date;
  readonly storage_class: string;
  readonly checksum_algorithm: ChecksumAlgorithm | null;
  readonly checksum_type: ChecksumType | null;
  readonly owner_id: string;
}

interface RestoreRow {
  readonly key: string;
  readonly id: string;
  readonly is_latest: boolean;
  readonly storage_class: string;
  readonly restore: StoredRestore;
}

interface ListedVersionRow extends ListedRow {
  readonly id: string;
  readonly is_null_version: boolean;
  readonly is_latest: boolean;
  readonly is_delete_marker: boolean;
}

/** Lists artifacts in UTF-8 byte order, page by page; a key is on exactly one page as long as it isn't changed meanwhile. */
@Injectable()
export class ListingService {
  constructor(
    private readonly database: Database,
    private readonly containers: ContainerService,
    private readonly owners: OwnerDirectory,
    private readonly config: VaultaireConfig,
  ) {}

  async list(ctx: OperationContext, request: ListArtifacts): Promise<ArtifactPage> {
    const container = await this.containers.getFresh(ctx, request.container);
    if (request.maxKeys === 0) {
      return { artifacts: [], commonPrefixes: [], isTruncated: false, nextAfter: undefined };
    }
    const { prefix, delimiter, after } = request;
    const limit = request.maxKeys + 1;
    const upper = prefixSuccessor(prefix);
    const rows =
      delimiter === ''
        ? await this.database.query<ListedRow & Record<string, unknown>>(LIST_FLAT, [
            container.id,
            after,
            prefix,
            upper,
            limit,
          ])
        : await this.database.query<ListedRow & Record<string, unknown>>(LIST_DELIMITED, [
            container.id,
            prefix,
            delimiter,
            after,
            upper,
            limit,
          ]);
    const isTruncated = rows.length === limit;
    if (isTruncated) rows.pop();
    const owners = await this.owners.find(ownerIds(rows));
    const restores = await this.restores(container.id, request, rows, ({ key, is_latest }) => (is_latest ? key : ''));
    const artifacts: ListedArtifact[] = [];
    const commonPrefixes: string[] = [];
    for (const row of rows) {
      if (row.key === null) commonPrefixes.push(row.common_prefix ?? '');
      else artifacts.push(toListed(row, row.key, owners, restores.get(row.key)));
    }
    const last = rows.at(-1);
    return {
      artifacts,
      commonPrefixes,
      isTruncated,
      nextAfter: isTruncated ? (last?.key ?? last?.common_prefix ?? undefined) : undefined,
    };
  }

  /** Newest first within a key; delete markers are listed too. */
  async listVersions(ctx: OperationContext, request: ListVersions): Promise<VersionPage> {
    const container = await this.containers.getFresh(ctx, request.container);
    if (request.maxKeys === 0) {
      return {
        versions: [],
        commonPrefixes: [],
        isTruncated: false,
        nextKeyMarker: undefined,
        nextVersionIdMarker: undefined,
      };
    }
    const limit = request.maxKeys + 1;
    const rows = await this.database.query<ListedVersionRow & Record<string, unknown>>(LIST_VERSIONS, [
      container.id,
      request.prefix,
      request.delimiter,
      request.keyMarker,
      await this.markerRowId(container.id, request),
      prefixSuccessor(request.prefix),
      limit,
    ]);
    const isTruncated = rows.length === limit;
    if (isTruncated) rows.pop();
    const owners = await this.owners.find(ownerIds(rows));
    const versionOf = ({ id, key }: { id: string; key: string | null }): string => `${id} ${key ?? ''}`;
    const restores = await this.restores(container.id, request, rows, versionOf);
    const versions: ListedVersion[] = [];
    const commonPrefixes: string[] = [];
    for (const row of rows) {
      if (row.key === null) commonPrefixes.push(row.common_prefix ?? '');
      else versions.push(toListedVersion(row, row.key, owners, restores.get(versionOf(row))));
    }
    const last = rows.at(-1);
    const isAtVersion = isTruncated && last !== undefined && last.key !== null;
    return {
      versions,
      commonPrefixes,
      isTruncated,
      nextKeyMarker: isTruncated ? (last?.key ?? last?.common_prefix ?? undefined) : undefined,
      nextVersionIdMarker: isAtVersion ? encodeVersionId(last.id, last.is_null_version) : undefined,
    };
  }

  /** Where the request wants to know: of what is on the page, by what `nameOf` makes of its row. */
  private async restores(
    containerId: string,
    { hasRestores }: Pick<ListArtifacts, 'hasRestores'>,
    page: readonly ListedRow[],
    nameOf: (row: RestoreRow) => string,
  ): Promise<ReadonlyMap<string, ArchiveStatus['restore']>> {
    const { archiveClasses } = this.config;
    const keys = hasRestores ? page.filter((row) => archiveClasses.has(row.storage_class)).map(({ key }) => key) : [];
    if (keys.length === 0) return new Map();
    const nowMs = Date.now();
    const rows = await this.database.query<RestoreRow & Record<string, unknown>>(RESTORES_OF_KEYS, [containerId, keys]);
    return new Map(
      rows
        .filter((row) => archiveClasses.has(row.storage_class))
        .map((row) => [nameOf(row), archiveStatusOf(row.restore, false, nowMs).restore]),
    );
  }

  /** The row below which a page begins. An unknown version id marker begins at the next key, as S3 does. */
  private async markerRowId(
    id: string,
    request: {
      readonly container: ContainerName;
      readonly keyMarker: string;
      readonly versionIdMarker: string | undefined;
    },
  ): Promise<string | null> {
    if (request.keyMarker === '' || request.versionIdMarker === undefined) return null;
    const selector = selectVersion(request.versionIdMarker);
    if (selector.kind === 'id') return selector.id;
    if (selector.kind !== 'null') return null;
    const [row] = await this.database.query<{ id: string }>(FIND_NULL_VERSION_ID, [id, request.keyMarker]);
    return row?.id ?? null;
  }
}

const FIND_NULL_VERSION_ID: Statement = {
  name: 'find_null_version_id',
  text: 'SELECT id FROM artifact_versions WHERE container_id = $1 AND key = $2 AND is_null_version',
};

function* ownerIds(rows: readonly ListedRow[]): Generator<string> {
  let previous: string | undefined;
  for (const row of rows) {
    if (row.key === null || row.owner_id === previous) continue;
    previous = row.owner_id;
    yield row.owner_id;
  }
}

function toListed(
  row: ListedRow,
  key: string,
  owners: ReadonlyMap<string, ListedOwner>,
  restore: ArchiveStatus['restore'],
): ListedArtifact {
  return {
    key,
    sizeBytes: Number(row.size_bytes),
    etag: row.etag,
    lastModified: row.created_at,
    storageClass: row.storage_class,
    checksumAlgorithm: row.checksum_algorithm ?? undefined,
    checksumType: row.checksum_type ?? undefined,
    owner: owners.get(row.owner_id) ?? UNKNOWN_OWNER,
    restore,
  };
}

function toListedVersion(
  row: ListedVersionRow,
  key: string,
  owners: ReadonlyMap<string, ListedOwner>,
  restore: ArchiveStatus['restore'],
): ListedVersion {
  return {
    ...toListed(row, key, owners, restore),
    versionId: encodeVersionId(row.id, row.is_null_version),
    isLatest: row.is_latest,
    isDeleteMarker: row.is_delete_marker,
  };
}
