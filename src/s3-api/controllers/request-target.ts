import type { ArtifactKey, ContainerName } from '../../context/ids';
import type { Principal } from '../../context/operation-context';
import type { ArtifactAddress } from '../../engine/artifacts/artifact.types';
import type { S3Request } from '../http/s3-request';
import { invalidArgument } from '../headers/request-header';

/** The bucket that an operation on a bucket or an object addresses. The catalogue guarantees that there is one. */
export function bucketOf(request: S3Request): ContainerName {
  if (request.bucket === undefined) throw new Error(`${request.operation.name} came without a bucket`);
  return request.bucket;
}

/** The key that an operation on an object addresses. The catalogue guarantees that there is one. */
export function keyOf(request: S3Request): ArtifactKey {
  if (request.key === undefined) throw new Error(`${request.operation.name} came without a key`);
  return request.key;
}

/** The object, and its version where the query names one. Throws `InvalidArgument` for an empty version id. */
export function addressOf(request: S3Request): ArtifactAddress {
  const versionId = request.rawQuery === '' ? undefined : request.query.get('versionId');
  if (versionId === '') throw invalidArgument('Version id cannot be the empty string', 'versionId', '');
  return { container: bucketOf(request), key: keyOf(request), versionId };
}

/** The user who sent the request. */
export function callerOf(request: S3Request): Extract<Principal, { kind: 'user' }> {
  if (request.identity === undefined) throw new Error('The request was not authenticated');
  return request.identity.principal;
}
