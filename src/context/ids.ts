declare const brand: unique symbol;

/** A string that only its constructor function below may make; keeps ids of different things apart at compile time. */
export type Branded<Name extends string> = string & { readonly [brand]: Name };

export type TenantId = Branded<'TenantId'>;
export type UserId = Branded<'UserId'>;
export type ContainerName = Branded<'ContainerName'>;
export type ArtifactKey = Branded<'ArtifactKey'>;
export type UploadId = Branded<'UploadId'>;
/** Row id of a container: a decimal bigint as text, since it may exceed 2^53. */
export type ContainerId = Branded<'ContainerId'>;
/** UUIDv7 of a blob. */
export type BlobId = Branded<'BlobId'>;
/** `tenant/<tenantId>/<blobId>`: the only form of key that a driver accepts (DESIGN rule 7). */
export type BlobKey = Branded<'BlobKey'>;

export const tenantId = (value: string): TenantId => value as TenantId;
export const userId = (value: string): UserId => value as UserId;
export const containerName = (value: string): ContainerName => value as ContainerName;
export const artifactKey = (value: string): ArtifactKey => value as ArtifactKey;
export const uploadId = (value: string): UploadId => value as UploadId;
export const containerId = (value: string): ContainerId => value as ContainerId;
export const blobId = (value: string): BlobId => value as BlobId;

/** The key under which a blob of `tenant` is stored on every driver. */
export const blobKey = (tenant: TenantId, blob: BlobId): BlobKey => `tenant/${tenant}/${blob}` as BlobKey;
