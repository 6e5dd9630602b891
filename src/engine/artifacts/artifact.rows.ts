import type { ArtifactKey } from '../../context/ids';
import type { StoredRestore } from '../archive/archive-status';
import type {
  ArtifactAttributes,
  ArtifactStat,
  Checksum,
  ChecksumAlgorithm,
  ChecksumType,
  ContentHeaders,
} from './artifact.types';
import { encodeVersionId } from './version-id';

/** A row of `artifact_versions`; `bigint`s are text. */
export interface VersionRow {
  readonly id: string;
  readonly is_null_version: boolean;
  readonly is_delete_marker: boolean;
  readonly size_bytes: string;
  readonly etag: string;
  readonly checksum_algorithm: ChecksumAlgorithm | null;
  readonly checksum_type: ChecksumType | null;
  readonly checksum_value: string | null;
  readonly content_type: string | null;
  readonly headers: Omit<ContentHeaders, 'contentType'> | null;
  readonly metadata: Readonly<Record<string, string>> | null;
  readonly tags: Readonly<Record<string, string>> | null;
  readonly storage_class: string;
  readonly owner_id: string;
  readonly blob_id: string | null;
  readonly manifest_id: string | null;
  readonly part_count: number | null;
  readonly created_at: Date;
  readonly restore: StoredRestore | null;
}

/** With the blob of an artifact that has one: its driver, or its bytes. */
export interface VersionWithBlobRow extends VersionRow {
  readonly driver: string | null;
  /** Null for parts, for bytes that are inline, and for those that were attached. */
  readonly placement: string | null;
  readonly inline_body: Buffer | null;
}

const NONE: Readonly<Record<string, string>> = Object.freeze({});

export function toStat(key: ArtifactKey, row: VersionRow, wasVersioned: boolean): ArtifactStat {
  return {
    key,
    versionId: wasVersioned || !row.is_null_version ? encodeVersionId(row.id, row.is_null_version) : undefined,
    sizeBytes: Number(row.size_bytes),
    etag: row.etag,
    lastModified: row.created_at,
    attributes: toAttributes(row),
    checksum: toChecksum(row.checksum_algorithm, row.checksum_type, row.checksum_value),
    partCount: row.part_count ?? undefined,
    ownerId: row.owner_id,
  };
}

export function toAttributes(
  row: Pick<VersionRow, 'content_type' | 'headers' | 'metadata' | 'tags' | 'storage_class'>,
): ArtifactAttributes {
  return {
    headers: { ...row.headers, ...(row.content_type === null ? {} : { contentType: row.content_type }) },
    metadata: row.metadata ?? NONE,
    storageClass: row.storage_class,
    tags: row.tags ?? NONE,
  };
}

export function toChecksum(
  algorithm: ChecksumAlgorithm | null,
  type: ChecksumType | null,
  value: string | null,
): Checksum | undefined {
  return algorithm === null || type === null || value === null ? undefined : { algorithm, type, value };
}

/** Column values for attributes; what is empty is stored as NULL. */
export function attributeColumns(attributes: ArtifactAttributes): {
  readonly contentType: string | null;
  readonly headers: string | null;
  readonly metadata: string | null;
  readonly tags: string | null;
} {
  const { contentType, ...headers } = attributes.headers;
  return {
    contentType: contentType ?? null,
    headers: jsonOrNull(headers),
    metadata: jsonOrNull(attributes.metadata),
    tags: jsonOrNull(attributes.tags),
  };
}

export function jsonOrNull(value: object): string | null {
  for (const _name in value) return JSON.stringify(value);
  return null;
}
