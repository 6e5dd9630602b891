import { HttpException, HttpStatus } from '@nestjs/common';
import { DatabaseUnavailableError } from '../../database/database';
import { DriverError } from '../../drivers/driver.errors';
import type { EngineFailure, QuotaName } from '../../engine/engine.errors';
import { EngineError } from '../../engine/engine.errors';
import { TenantThrottledException } from '../../tenant/throttling/tenant-throttled.exception';
import type { S3Request } from '../http/s3-request';
import { S3Error } from './s3-error';

/** Seconds after which a client is told to try again when nobody knows better. */
const DEFAULT_RETRY_AFTER_SECONDS = 1;
const TOO_MANY_REQUESTS: number = HttpStatus.TOO_MANY_REQUESTS;
const FORBIDDEN: number = HttpStatus.FORBIDDEN;

const QUOTA_WORDS: Readonly<Record<QuotaName, string>> = {
  bytes: 'bytes stored',
  artifacts: 'the number of objects',
  largestArtifactBytes: 'the bytes of one object',
  containers: 'the number of buckets',
  accessKeys: 'the number of access keys',
  monthlyEgressBytes: 'the bytes sent in a month',
};

/**
 * What S3 answers for any failure. Exhaustive over the engine's and the drivers' kinds; everything unforeseen is
 * `InternalError` without a word of its own, with the failure as `cause` for the log.
 */
export function toS3Error(error: unknown, request: Pick<S3Request, 'message'>): S3Error {
  if (error instanceof S3Error) return error;
  if (error instanceof EngineError) return translateEngineFailure(error, request);
  if (error instanceof DriverError) return translateDriverError(error);
  if (error instanceof DatabaseUnavailableError) return unavailable(undefined, error);
  if (error instanceof HttpException) return translateHttpException(error);
  return new S3Error('InternalError', { cause: error });
}

/** The failure is the gateway's or the backend's own, and somebody has to look at it. */
export function isServerFault(error: S3Error): boolean {
  return error.code === 'InternalError' || error.code === 'InsufficientStorage';
}

function translateEngineFailure(error: EngineError, request: Pick<S3Request, 'message'>): S3Error {
  const failure = error.failure;
  switch (failure.kind) {
    case 'NoSuchContainer':
      return new S3Error('NoSuchBucket', { fields: { BucketName: failure.container } });
    case 'UnknownStorageClass':
      return new S3Error('InvalidStorageClass', { fields: { StorageClassRequested: failure.storageClass } });
    case 'ContainerAlreadyExists':
      return new S3Error(failure.isOwnedByCaller ? 'BucketAlreadyOwnedByYou' : 'BucketAlreadyExists', {
        fields: { BucketName: failure.container },
      });
    case 'ContainerNotEmpty':
      return bucketNotEmpty(failure);
    case 'NoSuchArtifact':
      return new S3Error('NoSuchKey', {
        fields: { Key: failure.key },
        headers: failure.deleteMarkerVersionId === undefined ? {} : deleteMarkerHeaders(failure.deleteMarkerVersionId),
      });
    case 'NoSuchVersion':
      return new S3Error('NoSuchVersion', { fields: { Key: failure.key, VersionId: failure.versionId } });
    case 'IsDeleteMarker':
      return new S3Error('MethodNotAllowed', {
        fields: { Method: request.message.method ?? '', ResourceType: 'DeleteMarker' },
        headers: {
          ...deleteMarkerHeaders(failure.versionId),
          allow: 'DELETE',
          'last-modified': failure.lastModified.toUTCString(),
        },
      });
    case 'PreconditionFailed':
      return new S3Error('PreconditionFailed', { fields: { Condition: failure.condition } });
    case 'NotModified':
      return notModified(failure);
    case 'RangeNotSatisfiable':
      return new S3Error('InvalidRange', {
        fields: { RangeRequested: failure.range, ActualObjectSize: String(failure.sizeBytes) },
        headers: { 'content-range': `bytes */${failure.sizeBytes}` },
      });
    case 'NoSuchUpload':
      return new S3Error('NoSuchUpload', { fields: { UploadId: failure.uploadId } });
    case 'InvalidPart':
      return new S3Error('InvalidPart', {
        fields: { UploadId: failure.uploadId, PartNumber: String(failure.partNumber) },
      });
    case 'InvalidPartOrder':
      return new S3Error('InvalidPartOrder', { fields: { UploadId: failure.uploadId } });
    case 'PartTooSmall':
      return new S3Error('EntityTooSmall', {
        fields: {
          ProposedSize: String(failure.sizeBytes),
          MinSizeAllowed: String(failure.minBytes),
          PartNumber: String(failure.partNumber),
        },
      });
    case 'PartNumberNotSatisfiable':
      return new S3Error('InvalidPartNumber', { fields: { ActualPartCount: String(failure.partCount) } });
    case 'ArtifactTooLarge':
      return new S3Error('EntityTooLarge', {
        fields: { ProposedSize: String(failure.sizeBytes), MaxSizeAllowed: String(failure.maxBytes) },
      });
    case 'ChecksumMismatch':
      return new S3Error('BadDigest', {
        message: `The ${failure.algorithm} you specified did not match the calculated checksum.`,
      });
    case 'ChecksumTypeMismatch':
      return new S3Error('InvalidRequest', { message: failure.message });
    case 'SizeMismatch':
      return new S3Error('InvalidRequest', {
        message: `The provided object size ${failure.expectedBytes} does not match the size ${failure.actualBytes} of the parts.`,
      });
    case 'QuotaExceeded':
      return quotaExceeded(failure);
    case 'ArtifactArchived':
      return new S3Error('InvalidObjectState', { fields: { StorageClass: failure.storageClass } });
    case 'NotArchived':
      return new S3Error('InvalidObjectState', {
        message: "Restore is not allowed for the object's current storage class",
        fields: { StorageClass: failure.storageClass },
      });
    case 'RestoreInProgress':
      return new S3Error('RestoreAlreadyInProgress');
    case 'Conflict':
      return new S3Error(isConditionalWrite(request) ? 'ConditionalRequestConflict' : 'OperationAborted', {
        cause: error,
      });
    case 'UnknownPlacement':
    case 'Interrupted':
      return unavailable(undefined, error);
  }
}

function translateDriverError(error: DriverError): S3Error {
  switch (error.kind) {
    case 'RateLimited':
      return new S3Error('SlowDown', { headers: retryAfter(error.retryAfterSeconds), cause: error });
    case 'Unavailable':
      return unavailable(error.retryAfterSeconds, error);
    case 'NoSpace':
      return new S3Error('InsufficientStorage', { cause: error });
    case 'TooLarge':
      return new S3Error('EntityTooLarge', { cause: error });
    case 'Archived':
      return new S3Error('InvalidObjectState', { cause: error });
    case 'Unsupported':
      return new S3Error('NotImplemented', { cause: error });
    case 'Aborted':
      return new S3Error('RequestTimeout', { cause: error });
    // A row said that the blob is there, or that it is ours to write: whatever the backend says, it isn't the client's doing.
    case 'NotFound':
    case 'AlreadyExists':
    case 'RangeNotSatisfiable':
    case 'PermissionDenied':
    case 'Corrupted':
    case 'Unexpected':
      return new S3Error('InternalError', { cause: error });
  }
}

function translateHttpException(error: HttpException): S3Error {
  switch (error.getStatus()) {
    case TOO_MANY_REQUESTS: {
      const seconds = error instanceof TenantThrottledException ? error.retryAfterSeconds : undefined;
      return new S3Error('SlowDown', { headers: retryAfter(seconds), cause: error });
    }
    case FORBIDDEN:
      return new S3Error('AccessDenied', { cause: error });
    default:
      return new S3Error('InternalError', { cause: error });
  }
}

function quotaExceeded({ scope, quota, limit }: Extract<EngineFailure, { kind: 'QuotaExceeded' }>): S3Error {
  const whose = scope === 'tenant' ? 'account' : 'bucket';
  const bound = limit === undefined ? '' : `, ${limit},`;
  return new S3Error('QuotaExceeded', {
    message: `The quota of the ${whose} for ${QUOTA_WORDS[quota]}${bound} would be exceeded.`,
  });
}

function bucketNotEmpty(failure: Extract<EngineFailure, { kind: 'ContainerNotEmpty' }>): S3Error {
  const fields = { BucketName: failure.container };
  if (!failure.hasVersions) return new S3Error('BucketNotEmpty', { fields });
  return new S3Error('BucketNotEmpty', {
    message: 'The bucket you tried to delete is not empty. You must delete all versions in the bucket.',
    fields,
  });
}

function notModified(failure: Extract<EngineFailure, { kind: 'NotModified' }>): S3Error {
  return new S3Error('NotModified', {
    headers: {
      etag: `"${failure.etag}"`,
      'last-modified': failure.lastModified.toUTCString(),
      ...(failure.versionId === undefined ? {} : { 'x-amz-version-id': failure.versionId }),
    },
  });
}

function deleteMarkerHeaders(versionId: string): Record<string, string> {
  return { 'x-amz-delete-marker': 'true', 'x-amz-version-id': versionId };
}

function unavailable(seconds: number | undefined, cause: unknown): S3Error {
  return new S3Error('ServiceUnavailable', { headers: retryAfter(seconds), cause });
}

function retryAfter(seconds: number | undefined): Record<string, string> {
  return { 'retry-after': String(Math.max(1, Math.ceil(seconds ?? DEFAULT_RETRY_AFTER_SECONDS))) };
}

function isConditionalWrite(request: Pick<S3Request, 'message'>): boolean {
  const headers = request.message.headers;
  return headers['if-match'] !== undefined || headers['if-none-match'] !== undefined;
}
