import type { ContainerName } from '../../context/ids';
import type { ArchiveStatus } from '../archive/archive-status';
import type { ChecksumAlgorithm, ChecksumType } from '../artifacts/artifact.types';

export interface ListArtifacts {
  readonly container: ContainerName;
  readonly prefix: string;
  /** Empty: none. Any string otherwise. */
  readonly delimiter: string;
  /** Only keys (and common prefixes) greater than this, in UTF-8 byte order. Empty: from the start. */
  readonly after: string;
  /** 0 to 1,000; counts keys and common prefixes together. */
  readonly maxKeys: number;
  /** Whether to tell of restores from archive classes; they cost a look-up. */
  readonly hasRestores: boolean;
}

export interface ListedOwner {
  readonly canonicalId: string;
  readonly displayName: string;
}

export interface ListedArtifact {
  readonly key: string;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly lastModified: Date;
  readonly storageClass: string;
  readonly checksumAlgorithm: ChecksumAlgorithm | undefined;
  readonly checksumType: ChecksumType | undefined;
  readonly owner: ListedOwner;
  /** Undefined also where it was not asked for. */
  readonly restore: ArchiveStatus['restore'];
}

export interface ArtifactPage {
  readonly artifacts: readonly ListedArtifact[];
  readonly commonPrefixes: readonly string[];
  readonly isTruncated: boolean;
  /** Last key or common prefix of the page, to be handed in as `after`; undefined unless truncated. */
  readonly nextAfter: string | undefined;
}

export interface ListVersions extends Omit<ListArtifacts, 'after'> {
  readonly keyMarker: string;
  /** Only with `keyMarker`: begin after this version of that key. */
  readonly versionIdMarker: string | undefined;
}

export interface ListedVersion extends ListedArtifact {
  readonly versionId: string;
  readonly isLatest: boolean;
  readonly isDeleteMarker: boolean;
}

export interface VersionPage {
  readonly versions: readonly ListedVersion[];
  readonly commonPrefixes: readonly string[];
  readonly isTruncated: boolean;
  readonly nextKeyMarker: string | undefined;
  readonly nextVersionIdMarker: string | undefined;
}
