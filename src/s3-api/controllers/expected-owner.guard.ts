import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import type { ContainerName } from '../../context/ids';
import { ContainerService } from '../../engine/containers/container.service';
import { OwnerDirectory } from '../../engine/owner-directory';
import { S3Error } from '../errors/s3-error';
import { parseCopySource } from '../headers/copy-source';
import { headerOf } from '../headers/request-header';
import { s3RequestOf } from '../http/attached-request';
import type { S3Request } from '../http/s3-request';

/**
 * Holds requests to what they expect of the bucket's owner: `x-amz-expected-bucket-owner` and, for the source of a copy,
 * `x-amz-source-expected-bucket-owner` must be the owner's canonical id. Throws `AccessDenied`.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
 */
@Injectable()
export class ExpectedOwnerGuard implements CanActivate {
  constructor(
    private readonly containers: ContainerService,
    private readonly owners: OwnerDirectory,
  ) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const request = s3RequestOf(context);
    const { headers } = request.message;
    if (
      headers['x-amz-expected-bucket-owner'] === undefined &&
      headers['x-amz-source-expected-bucket-owner'] === undefined
    ) {
      return true;
    }
    return this.check(request);
  }

  private async check(request: S3Request): Promise<true> {
    const { headers } = request.message;
    const expected = headerOf(headers, 'x-amz-expected-bucket-owner');
    if (expected !== undefined && request.bucket !== undefined && request.operation.name !== 'CreateBucket') {
      await this.requireOwner(request, request.bucket, expected);
    }
    const expectedOfSource = headerOf(headers, 'x-amz-source-expected-bucket-owner');
    const source = headerOf(headers, 'x-amz-copy-source');
    if (expectedOfSource !== undefined && source !== undefined) {
      await this.requireOwner(request, parseCopySource(source).container, expectedOfSource);
    }
    return true;
  }

  private async requireOwner(request: S3Request, bucket: ContainerName, expected: string): Promise<void> {
    const { ownerId } = await this.containers.get(request.ctx, bucket);
    const owner = (await this.owners.find([ownerId])).get(ownerId);
    if (owner?.canonicalId !== expected) throw new S3Error('AccessDenied');
  }
}
