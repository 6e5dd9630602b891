import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import type { ContainerName } from '../../context/ids';
import { ContainerService } from '../../engine/containers/container.service';
import type { Container } from '../../engine/containers/container.types';
import { S3Error } from '../errors/s3-error';
import { parseCopySource } from '../headers/copy-source';
import { s3RequestOf } from '../http/attached-request';
import { isValidBucketName } from '../http/bucket-name';
import type { S3Identity, S3Request } from '../http/s3-request';
import { STS_OPERATION } from '../sts/sts-operation';
import type { AccessScope } from './access-scope';
import { requestedAccess } from './requested-access';

/**
 * Lets a bucket's owner through and nobody else, and its access key no further than its scope. What the scope refuses, and
 * what belongs to another tenant, is refused before anything is looked up, so that the answer shows nothing of what there is.
 * Comes after `SigV4Guard`: a request without an identity is refused.
 *
 * Throws `AccessDenied`, `NoSuchBucket` (also for an operation that has no handler) and, where a bucket is to be
 * created, `InvalidBucketName`.
 */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(private readonly containers: ContainerService) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const request = s3RequestOf(context);
    const { identity } = request;
    if (identity === undefined) throw new S3Error('AccessDenied');
    if (request.bucketTenant !== undefined) {
      requireOwnTenant(identity, request.bucketTenant);
      request.record.container = request.bucket;
    }
    if (identity.scope !== undefined) requireScope(request, identity.scope);
    const bucket = request.bucket;
    if (bucket === undefined) return true;
    if (request.operation.name === 'CreateBucket') return assertCreatable(bucket);
    const source = request.message.headers['x-amz-copy-source'];
    const isCopy = typeof source === 'string' && request.operation.headers.includes('x-amz-copy-source');
    return isCopy ? this.mayCopy(request, bucket, source) : this.owns(request, bucket);
  }

  private async mayCopy(request: S3Request, bucket: ContainerName, source: string): Promise<boolean> {
    const { tenant, container: sourceBucket } = parseCopySource(source);
    if (tenant !== undefined && request.identity !== undefined) requireOwnTenant(request.identity, tenant);
    await this.owns(request, bucket);
    return sourceBucket === bucket ? true : this.owns(request, sourceBucket);
  }

  private owns(request: S3Request, bucket: ContainerName): boolean | Promise<boolean> {
    const cached = this.containers.getCached(request.ctx, bucket);
    if (cached !== undefined) return assertOwner(request, cached);
    return this.containers.getFresh(request.ctx, bucket).then((container) => assertOwner(request, container));
  }
}

/** No policy can open a bucket to another tenant yet. Who asks learns neither whether the tenant nor whether the bucket exists. */
function requireOwnTenant(identity: S3Identity, tenant: string): void {
  if (tenant !== identity.tenantName) throw new S3Error('AccessDenied');
}

function requireScope(request: S3Request, scope: AccessScope): void {
  const client = request.record.remoteAddress;
  const isAllowed =
    request.operation === STS_OPERATION
      ? scope.allowsClient(client)
      : requestedAccess(request).every((access) => scope.allows(access, client));
  if (!isAllowed) throw new S3Error('AccessDenied');
}

function assertOwner(request: S3Request, container: Container): true {
  if (container.ownerId !== request.identity?.principal.userId) throw new S3Error('AccessDenied');
  return true;
}

function assertCreatable(bucket: ContainerName): true {
  if (!isValidBucketName(bucket)) throw new S3Error('InvalidBucketName', { fields: { BucketName: bucket } });
  return true;
}
