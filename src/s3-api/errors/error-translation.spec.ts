import { ForbiddenException } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { DatabaseUnavailableError } from '../../database/database';
import type { DriverErrorKind } from '../../drivers/driver.errors';
import { DriverError } from '../../drivers/driver.errors';
import type { EngineFailure } from '../../engine/engine.errors';
import { EngineError } from '../../engine/engine.errors';
import { TenantThrottledException } from '../../tenant/throttling/tenant-throttled.exception';
import { errorDocument } from './error-document';
import { toS3Error } from './error-translation';
import { S3Error } from './s3-error';

const LAST_MODIFIED = new Date('2026-01-02T03:04:05.678Z');

function request(headers: Record<string, string> = {}): { message: IncomingMessage } {
  return { message: { method: 'GET', headers } as unknown as IncomingMessage };
}

describe('toS3Error', () => {
  it.each<[EngineFailure, string, number]>([
    [{ kind: 'NoSuchContainer', container: 'b' }, 'NoSuchBucket', 404],
    [{ kind: 'ContainerAlreadyExists', container: 'b', isOwnedByCaller: true }, 'BucketAlreadyOwnedByYou', 409],
    [{ kind: 'ContainerAlreadyExists', container: 'b', isOwnedByCaller: false }, 'BucketAlreadyExists', 409],
    [{ kind: 'ContainerNotEmpty', container: 'b', hasVersions: true }, 'BucketNotEmpty', 409],
    [{ kind: 'NoSuchArtifact', key: 'k', deleteMarkerVersionId: undefined }, 'NoSuchKey', 404],
    [{ kind: 'NoSuchVersion', key: 'k', versionId: 'v' }, 'NoSuchVersion', 404],
    [{ kind: 'PreconditionFailed', condition: 'If-Match' }, 'PreconditionFailed', 412],
    [{ kind: 'NoSuchUpload', uploadId: 'u' }, 'NoSuchUpload', 404],
    [{ kind: 'InvalidPart', partNumber: 1, uploadId: 'u' }, 'InvalidPart', 400],
    [{ kind: 'InvalidPartOrder', uploadId: 'u' }, 'InvalidPartOrder', 400],
    [{ kind: 'PartTooSmall', partNumber: 1, sizeBytes: 1, minBytes: 5 }, 'EntityTooSmall', 400],
    [{ kind: 'PartNumberNotSatisfiable', partCount: 2 }, 'InvalidPartNumber', 416],
    [{ kind: 'ArtifactTooLarge', sizeBytes: 2, maxBytes: 1 }, 'EntityTooLarge', 400],
    [{ kind: 'QuotaExceeded', scope: 'tenant', quota: 'bytes', limit: 1 }, 'QuotaExceeded', 403],
    [{ kind: 'ChecksumMismatch', algorithm: 'CRC32' }, 'BadDigest', 400],
    [{ kind: 'ChecksumTypeMismatch', message: 'm' }, 'InvalidRequest', 400],
    [{ kind: 'SizeMismatch', expectedBytes: 1, actualBytes: 2 }, 'InvalidRequest', 400],
    [{ kind: 'Conflict', message: 'm' }, 'OperationAborted', 409],
    [{ kind: 'Interrupted', message: 'm' }, 'ServiceUnavailable', 503],
  ])('answers %j with %s', (failure, code, status) => {
    expect(toS3Error(new EngineError(failure), request())).toMatchObject({ code, status });
  });

  it('names the conflict of a conditional write as such', () => {
    const error = toS3Error(new EngineError({ kind: 'Conflict', message: 'm' }), request({ 'if-none-match': '*' }));
    expect(error.code).toBe('ConditionalRequestConflict');
  });

  it('tells of delete markers as S3 does', () => {
    expect(
      toS3Error(new EngineError({ kind: 'NoSuchArtifact', key: 'k', deleteMarkerVersionId: 'v' }), request()),
    ).toMatchObject({ code: 'NoSuchKey', headers: { 'x-amz-delete-marker': 'true', 'x-amz-version-id': 'v' } });
    const marker = new EngineError({ kind: 'IsDeleteMarker', key: 'k', versionId: 'v', lastModified: LAST_MODIFIED });
    expect(toS3Error(marker, request())).toMatchObject({
      code: 'MethodNotAllowed',
      status: 405,
      headers: {
        allow: 'DELETE',
        'x-amz-delete-marker': 'true',
        'x-amz-version-id': 'v',
        'last-modified': 'Fri, 02 Jan 2026 03:04:05 GMT',
      },
    });
  });

  it('answers an unchanged artifact with its ETag and date', () => {
    const failure = { kind: 'NotModified', etag: 'e', lastModified: LAST_MODIFIED, versionId: undefined } as const;
    expect(toS3Error(new EngineError(failure), request())).toMatchObject({
      status: 304,
      headers: { etag: '"e"', 'last-modified': 'Fri, 02 Jan 2026 03:04:05 GMT' },
    });
  });

  it('says how large an artifact is whose range lies beyond its end', () => {
    const failure = { kind: 'RangeNotSatisfiable', sizeBytes: 5, range: 'bytes=9-' } as const;
    expect(toS3Error(new EngineError(failure), request())).toMatchObject({
      status: 416,
      headers: { 'content-range': 'bytes */5' },
      fields: { RangeRequested: 'bytes=9-', ActualObjectSize: '5' },
    });
  });

  it.each<[DriverErrorKind, string, number]>([
    ['NotFound', 'InternalError', 500],
    ['AlreadyExists', 'InternalError', 500],
    ['RangeNotSatisfiable', 'InternalError', 500],
    ['TooLarge', 'EntityTooLarge', 400],
    ['PermissionDenied', 'InternalError', 500],
    ['RateLimited', 'SlowDown', 503],
    ['Unavailable', 'ServiceUnavailable', 503],
    ['Archived', 'InvalidObjectState', 403],
    ['Aborted', 'RequestTimeout', 400],
    ['Corrupted', 'InternalError', 500],
    ['Unsupported', 'NotImplemented', 501],
    ['NoSpace', 'InsufficientStorage', 507],
    ['Unexpected', 'InternalError', 500],
  ])('answers a driver that fails with %s with %s', (kind, code, status) => {
    expect(toS3Error(new DriverError(kind, 'secret'), request())).toMatchObject({ code, status });
  });

  it.each([
    [
      'a backend that is away',
      new DriverError('Unavailable', 'm', { retryAfterSeconds: 6.5 }),
      'ServiceUnavailable',
      '7',
    ],
    ['a backend that limits us', new DriverError('RateLimited', 'm'), 'SlowDown', '1'],
    ['a database that is away', new DatabaseUnavailableError('m'), 'ServiceUnavailable', '1'],
    ['a tenant beyond its limit', new TenantThrottledException(3), 'SlowDown', '3'],
  ])('tells the client when to come again for %s', (_what, failure, code, seconds) => {
    expect(toS3Error(failure, request())).toMatchObject({ code, status: 503, headers: { 'retry-after': seconds } });
  });

  it('answers a refusing guard with AccessDenied', () => {
    expect(toS3Error(new ForbiddenException('secret'), request()).code).toBe('AccessDenied');
  });

  it.each([new Error('secret'), new TypeError('secret'), 'secret', undefined, new DriverError('Unexpected', 'secret')])(
    'says nothing of its inside for %s, and keeps it for the log',
    (failure) => {
      const error = toS3Error(failure, request());
      expect(error).toMatchObject({ code: 'InternalError', status: 500 });
      expect(errorDocument(error, 'id', '/b/k')).not.toContain('secret');
      expect(error.cause).toBe(failure);
    },
  );
});

describe('errorDocument', () => {
  it('has the code, the message, the fields of the error, the resource and the ids', () => {
    const document = errorDocument(new S3Error('NoSuchKey', { fields: { Key: 'a<b' } }), 'ID', '/b/a%3Cb');
    expect(document).toMatch(
      /^<\?xml version="1.0" encoding="UTF-8"\?>\n<Error><Code>NoSuchKey<\/Code><Message>The specified key does not exist.<\/Message><Key>a&lt;b<\/Key><Resource>\/b\/a%3Cb<\/Resource><RequestId>ID<\/RequestId><HostId>[^<]+<\/HostId><\/Error>$/,
    );
  });
});
