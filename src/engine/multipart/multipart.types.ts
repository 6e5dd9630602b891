import type { ArtifactKey, ContainerName, UploadId } from '../../context/ids';
import type {
  ArtifactAddress,
  ArtifactAttributes,
  ArtifactPart,
  Checksum,
  ChecksumAlgorithm,
  ChecksumType,
  IncomingBody,
  RangeRequest,
  ReadConditions,
  WriteConditions,
} from '../artifacts/artifact.types';
import type { ListedOwner } from '../listing/listing.types';

/** Every part but the last has at least this many bytes. */
export const MIN_PART_BYTES = 5 * 1024 * 1024;
/** Largest part, and largest single PUT. */
export const MAX_PART_BYTES = 5 * 1024 ** 3;
/** Largest artifact: 5 TiB as S3 had it until 2025, now 50 TiB; 10,000 parts of 5 GiB bound it here. */
export const MAX_PART_NUMBER = 10_000;

export interface CreateUpload {
  readonly container: ContainerName;
  readonly key: ArtifactKey;
  readonly attributes: ArtifactAttributes;
  /** Undefined: the client named none; parts then carry CRC64NVME and the artifact a FULL_OBJECT CRC64NVME. */
  readonly checksumAlgorithm: ChecksumAlgorithm | undefined;
  readonly checksumType: ChecksumType | undefined;
}

export interface UploadAddress {
  readonly container: ContainerName;
  readonly key: ArtifactKey;
  readonly uploadId: UploadId;
}

export interface PutPart extends UploadAddress {
  /** 1 to 10,000. */
  readonly partNumber: number;
  readonly body: IncomingBody;
}

export interface CopyPart extends UploadAddress {
  readonly partNumber: number;
  readonly source: ArtifactAddress;
  readonly sourceRange: Extract<RangeRequest, { kind: 'range' }> | undefined;
  readonly sourceConditions: ReadConditions;
}

export interface PartWritten {
  readonly etag: string;
  readonly checksum: Checksum | undefined;
  readonly lastModified: Date;
  readonly sourceVersionId?: string | undefined;
}

export interface CompletePart {
  readonly partNumber: number;
  readonly etag: string;
  /** Base64, per algorithm the client named in the part list. */
  readonly checksums: Readonly<Partial<Record<ChecksumAlgorithm, string>>>;
}

export interface CompleteUpload extends UploadAddress {
  readonly parts: readonly CompletePart[];
  readonly conditions: WriteConditions;
  /** The client's checksum of the whole artifact (header), to be verified; base64, with `-N` when composite. */
  readonly expectedChecksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string } | undefined;
  readonly expectedChecksumType: ChecksumType | undefined;
  /** `x-amz-mp-object-size`. */
  readonly expectedSizeBytes: number | undefined;
}

export interface UploadSummary {
  readonly key: string;
  readonly uploadId: string;
  readonly initiatedAt: Date;
  readonly storageClass: string;
  readonly owner: ListedOwner;
  readonly initiator: ListedOwner;
  readonly checksumAlgorithm: ChecksumAlgorithm | undefined;
  readonly checksumType: ChecksumType | undefined;
}

export interface ListedPart extends ArtifactPart {
  readonly lastModified: Date;
}

export interface PartPage {
  readonly upload: UploadSummary;
  readonly parts: readonly ListedPart[];
  readonly isTruncated: boolean;
  /** Last part number of the page; 0 on an empty one. */
  readonly nextPartNumberMarker: number;
}

export interface ListUploads {
  readonly container: ContainerName;
  readonly prefix: string;
  readonly delimiter: string;
  readonly keyMarker: string;
  readonly uploadIdMarker: string;
  readonly maxUploads: number;
}

export interface UploadPage {
  readonly uploads: readonly UploadSummary[];
  readonly commonPrefixes: readonly string[];
  readonly isTruncated: boolean;
  readonly nextKeyMarker: string | undefined;
  readonly nextUploadIdMarker: string | undefined;
}
