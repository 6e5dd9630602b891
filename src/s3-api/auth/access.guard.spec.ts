import type { ExecutionContext } from '@nestjs/common';
import type { ContainerService } from '../../engine/containers/container.service';
import { EngineError } from '../../engine/engine.errors';
import { attachS3Request } from '../http/attached-request';
import type { S3Request } from '../http/s3-request';
import { findOperation } from '../operations/operation-catalogue';
import { AccessGuard } from './access.guard';

const OWNERS: Readonly<Record<string, string>> = { mine: 'me', 'also-mine': 'me', theirs: 'they' };

const containers = {
  getCached: () => undefined,
  getFresh: async (_ctx: unknown, name: string) => {
    if (!(name in OWNERS)) throw new EngineError({ kind: 'NoSuchContainer', container: name });
    return { ownerId: OWNERS[name] };
  },
} as unknown as ContainerService;

interface Asked {
  readonly operation: string;
  readonly bucket?: string;
  readonly copySource?: string;
  readonly isAnonymous?: boolean;
}

/** What the guard says: `true`, or the code or kind of what it throws. */
async function ask({ operation, bucket, copySource, isAnonymous = false }: Asked): Promise<unknown> {
  const message = { headers: copySource === undefined ? {} : { 'x-amz-copy-source': copySource } };
  attachS3Request(
    message as S3Request['message'],
    {
      message,
      bucket,
      operation: findOperation(operation),
      identity: isAnonymous ? undefined : { principal: { userId: 'me' } },
      ctx: {},
    } as unknown as S3Request,
  );
  const context = { switchToHttp: () => ({ getRequest: () => message }) } as unknown as ExecutionContext;
  try {
    return await new AccessGuard(containers).canActivate(context);
  } catch (error) {
    if (error instanceof EngineError) return error.failure.kind;
    return error instanceof Error && 'code' in error ? error.code : error;
  }
}

describe('AccessGuard', () => {
  it.each<[string, Asked, unknown]>([
    ['an owner', { operation: 'GetObject', bucket: 'mine' }, true],
    ['the service itself', { operation: 'ListBuckets' }, true],
    ['somebody who creates a bucket', { operation: 'CreateBucket', bucket: 'new-one' }, true],
    ['a copy between own buckets', { operation: 'CopyObject', bucket: 'mine', copySource: '/also-mine/k' }, true],
    ['a copy within a bucket', { operation: 'UploadPartCopy', bucket: 'mine', copySource: 'mine/k' }, true],
    [
      'a header that the operation does not read',
      { operation: 'GetObject', bucket: 'mine', copySource: 'theirs/k' },
      true,
    ],
  ])('lets %s through', async (_who, asked, outcome) => {
    expect(await ask(asked)).toBe(outcome);
  });

  it.each<[string, Asked, string]>([
    ['nobody', { operation: 'ListBuckets', isAnonymous: true }, 'AccessDenied'],
    ["somebody else's bucket", { operation: 'PutObject', bucket: 'theirs' }, 'AccessDenied'],
    [
      'a bucket that does not exist',
      { operation: 'GetBucketLifecycleConfiguration', bucket: 'none' },
      'NoSuchContainer',
    ],
    ['a bad name for a new bucket', { operation: 'CreateBucket', bucket: 'Bad_Name' }, 'InvalidBucketName'],
    [
      "a copy from somebody else's bucket",
      { operation: 'CopyObject', bucket: 'mine', copySource: 'theirs/k' },
      'AccessDenied',
    ],
    [
      "a copy into somebody else's bucket",
      { operation: 'CopyObject', bucket: 'theirs', copySource: 'mine/k' },
      'AccessDenied',
    ],
    ['a copy from nowhere', { operation: 'UploadPartCopy', bucket: 'mine', copySource: 'none/k' }, 'NoSuchContainer'],
  ])('refuses %s', async (_what, asked, outcome) => {
    expect(await ask(asked)).toBe(outcome);
  });
});
