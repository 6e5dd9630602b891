import type { Readable } from 'node:stream';
import type { ArtifactKey, ContainerName } from '../../context/ids';
import type { ArchiveStatus } from '../archive/archive-status';
import type { BlobSource } from '../../drivers/driver';
import type { DigestAlgorithm } from '../blobs/digests';

/** The checksum algorithms that S3 defines, in its spelling. */
export const CHECKSUM_ALGORITHMS = [
  'CRC32',
  'CRC32C',
  'CRC64NVME',
  'SHA1',
  'SHA256',
  'SHA512',
  'MD5',
  'XXHASH64',
  'XXHASH3',
  'XXHASH128',
] as const;
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];
export type ChecksumType = 'COMPOSITE' | 'FULL_OBJECT';

/** `value` is base64; of a composite one with the suffix `-N`. */
export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
  readonly value: string;
}

/** Headers kept with an artifact and returned as they came. Absent ones are undefined. */
export interface ContentHeaders {
  readonly contentType?: string;
  readonly cacheControl?: string;
  readonly contentDisposition?: string;
  readonly contentEncoding?: string;
  readonly contentLanguage?: string;
  readonly expires?: string;
  readonly websiteRedirectLocation?: string;
}

/** What a client says of an artifact besides its bytes. Metadata names are lower case, without the `x-amz-meta-` prefix. */
export interface ArtifactAttributes {
  readonly headers: ContentHeaders;
  readonly metadata: Readonly<Record<string, string>>;
  readonly storageClass: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** Decided inside the commit transaction. ETags are without quotes; `'*'` stands for any. */
export interface WriteConditions {
  readonly ifMatch?: string;
  readonly ifNoneMatch?: string;
}

/** Checked against the current version with RFC 9110 precedence. ETag lists are without quotes; `'*'` matches any. */
export interface ReadConditions {
  readonly ifMatch?: readonly string[];
  readonly ifNoneMatch?: readonly string[];
  readonly ifModifiedSince?: Date;
  readonly ifUnmodifiedSince?: Date;
}

/**
 * A digest that the engine computes while the bytes pass and hands back before the artifact becomes visible.
 * `verify` gets the digest of all bytes and throws the caller's own error when it isn't what was promised; trailers are known by then.
 */
export interface DigestExpectation {
  readonly algorithm: DigestAlgorithm;
  verify(digest: Buffer): void;
}

/** A body on its way in, decoded and framed by the edge. */
export interface IncomingBody {
  /** Errors of framing, time-out or disconnect are thrown by the iterator and passed on unchanged. */
  readonly source: BlobSource;
  /** Decoded length in bytes where announced; the source itself refuses any other length. */
  readonly sizeBytes: number | undefined;
  readonly expectations: readonly DigestExpectation[];
  /**
   * The algorithm whose checksum is stored with the artifact; asked after the last byte (it may come in a trailer's name).
   * Its digest is among those computed.
   */
  readonly storedChecksum: ChecksumAlgorithm;
}

export interface PutArtifact {
  readonly container: ContainerName;
  readonly key: ArtifactKey;
  readonly attributes: ArtifactAttributes;
  readonly conditions: WriteConditions;
  readonly body: IncomingBody;
}

export interface ArtifactWritten {
  readonly etag: string;
  readonly checksum: Checksum | undefined;
  /** Undefined in a container that was never versioned. */
  readonly versionId: string | undefined;
  readonly lastModified: Date;
  readonly sizeBytes: number;
}

export interface ArtifactAddress {
  readonly container: ContainerName;
  readonly key: ArtifactKey;
  /** Undefined: the latest. `'null'`: the version written while versioning was off. */
  readonly versionId: string | undefined;
}

/** `Range` of a request, parsed. `suffix`: the last N bytes. */
export type RangeRequest =
  | { readonly kind: 'range'; readonly start: number; readonly end: number | undefined; readonly text: string }
  | { readonly kind: 'suffix'; readonly lengthBytes: number; readonly text: string }
  | { readonly kind: 'part'; readonly partNumber: number };

export interface ArtifactStat {
  readonly key: ArtifactKey;
  readonly versionId: string | undefined;
  readonly sizeBytes: number;
  /** Without quotes. */
  readonly etag: string;
  readonly lastModified: Date;
  readonly attributes: ArtifactAttributes;
  readonly checksum: Checksum | undefined;
  /** Undefined for an artifact that was not written by a multipart upload. */
  readonly partCount: number | undefined;
  readonly ownerId: string;
  /** Undefined: it is of no archive class. */
  readonly archive?: ArchiveStatus | undefined;
}

export interface GetArtifact extends ArtifactAddress {
  readonly range: RangeRequest | undefined;
  readonly conditions: ReadConditions;
}

export interface ArtifactRead {
  readonly stat: ArtifactStat;
  /** The bytes that follow: `start` and `end` inclusive; undefined: the whole artifact. */
  readonly range: { readonly start: number; readonly end: number } | undefined;
  /** The checksum of the part, when a part was asked for. */
  readonly partChecksum: Checksum | undefined;
  /** Bytes of the answer. */
  readonly lengthBytes: number;
  /** A Buffer when all of it was at hand (inline blobs, empty artifacts); undefined for HEAD. */
  readonly body: Readable | Buffer | undefined;
}

export interface ArtifactPart {
  readonly partNumber: number;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly checksum: Checksum | undefined;
}

export interface DeleteArtifact extends ArtifactAddress {
  readonly conditions: {
    readonly ifMatch?: string;
    readonly ifMatchLastModified?: Date;
    readonly ifMatchSizeBytes?: number;
  };
}

export interface ArtifactDeleted {
  readonly versionId: string | undefined;
  /** A delete marker was created (delete without version id) or removed (delete of the marker's version id). */
  readonly isDeleteMarker: boolean;
}

/** One entry's outcome of a batch delete; `error` is what a single delete would have thrown. */
export interface BatchDeleteResult {
  readonly key: ArtifactKey;
  readonly versionId: string | undefined;
  readonly deleted: ArtifactDeleted | undefined;
  readonly error: Error | undefined;
}

export interface CopyArtifact {
  readonly source: ArtifactAddress;
  readonly sourceConditions: ReadConditions;
  readonly container: ContainerName;
  readonly key: ArtifactKey;
  /** Undefined: copy from the source (`x-amz-metadata-directive: COPY`). */
  readonly replaceAttributes: Omit<ArtifactAttributes, 'storageClass' | 'tags'> | undefined;
  readonly replaceTags: Readonly<Record<string, string>> | undefined;
  /** Undefined: STANDARD, as S3 does; a copy does not inherit it. */
  readonly storageClass: string | undefined;
  /** Undefined: keep the source's algorithm. */
  readonly checksumAlgorithm: ChecksumAlgorithm | undefined;
  readonly conditions: WriteConditions;
}

export interface ArtifactCopied extends ArtifactWritten {
  readonly sourceVersionId: string | undefined;
}
