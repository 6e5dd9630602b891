/** What of a tenant or a container a quota bounds. */
export type QuotaName =
  'bytes' | 'artifacts' | 'largestArtifactBytes' | 'containers' | 'accessKeys' | 'monthlyEgressBytes';

/**
 * What the engine refuses, in the engine's own words. The S3 edge translates each kind in one exhaustive switch
 * (`s3-api/errors/error-translation.ts`).
 */
export type EngineFailure =
  | { readonly kind: 'NoSuchContainer'; readonly container: string }
  | { readonly kind: 'UnknownStorageClass'; readonly storageClass: string }
  /** A container, tenant or plan names a placement that this process does not have: nobody has said where the bytes may be. */
  | { readonly kind: 'UnknownPlacement'; readonly placement: string }
  | { readonly kind: 'ContainerAlreadyExists'; readonly container: string; readonly isOwnedByCaller: boolean }
  | { readonly kind: 'ContainerNotEmpty'; readonly container: string; readonly hasVersions: boolean }
  | { readonly kind: 'NoSuchArtifact'; readonly key: string; readonly deleteMarkerVersionId: string | undefined }
  | { readonly kind: 'NoSuchVersion'; readonly key: string; readonly versionId: string }
  /** A delete marker was addressed by its version id with GET or HEAD. */
  | { readonly kind: 'IsDeleteMarker'; readonly key: string; readonly versionId: string; readonly lastModified: Date }
  | { readonly kind: 'PreconditionFailed'; readonly condition: string }
  | {
      readonly kind: 'NotModified';
      readonly etag: string;
      readonly lastModified: Date;
      readonly versionId: string | undefined;
    }
  | { readonly kind: 'RangeNotSatisfiable'; readonly sizeBytes: number; readonly range: string }
  | { readonly kind: 'NoSuchUpload'; readonly uploadId: string }
  | { readonly kind: 'InvalidPart'; readonly partNumber: number; readonly uploadId: string }
  | { readonly kind: 'InvalidPartOrder'; readonly uploadId: string }
  | {
      readonly kind: 'PartTooSmall';
      readonly partNumber: number;
      readonly sizeBytes: number;
      readonly minBytes: number;
    }
  | { readonly kind: 'PartNumberNotSatisfiable'; readonly partCount: number }
  | { readonly kind: 'ArtifactTooLarge'; readonly sizeBytes: number; readonly maxBytes: number }
  | { readonly kind: 'ChecksumMismatch'; readonly algorithm: string }
  | { readonly kind: 'ChecksumTypeMismatch'; readonly message: string }
  | { readonly kind: 'SizeMismatch'; readonly expectedBytes: number; readonly actualBytes: number }
  /** `limit`: the bound that the operation would have exceeded. */
  | {
      readonly kind: 'QuotaExceeded';
      readonly scope: 'tenant' | 'container';
      readonly quota: QuotaName;
      readonly limit: number | undefined;
    }
  /** Its bytes have to be restored first. */
  | { readonly kind: 'ArtifactArchived'; readonly storageClass: string }
  /** There is nothing to restore. */
  | { readonly kind: 'NotArchived'; readonly storageClass: string }
  | { readonly kind: 'RestoreInProgress' }
  /** Another operation on the same key or upload is deciding; the client is to try again. */
  | { readonly kind: 'Conflict'; readonly message: string }
  /** A blob was withdrawn, or a state was lost to an outage, between intent and commit; the client is to try again. */
  | { readonly kind: 'Interrupted'; readonly message: string };

export class EngineError extends Error {
  override readonly name = 'EngineError';

  constructor(readonly failure: EngineFailure) {
    super(failure.kind);
  }
}
