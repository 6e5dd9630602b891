import type { ExecutionContext } from '@nestjs/common';
import type { KeyScope } from '../../context/policy/key-scope';
import type { ContainerService } from '../../engine/containers/container.service';
import { EngineError } from '../../engine/engine.errors';
import { attachS3Request } from '../http/attached-request';
import type { S3Request } from '../http/s3-request';
import { findOperation } from '../operations/operation-catalogue';
import { RawQuery } from '../http/raw-query';
import { STS_OPERATION } from '../sts/sts-operation';
import { AccessGuard } from './access.guard';
import { keyScopeRule } from './key-scope-rule';

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
  readonly tenant?: string;
  readonly scope?: KeyScope;
  readonly client?: string;
}

/** What the guard says: `true`, or the code or kind of what it throws. */
async function ask({
  operation,
  bucket,
  copySource,
  isAnonymous = false,
  tenant,
  scope,
  client,
}: Asked): Promise<unknown> {
  const message = { headers: copySource === undefined ? {} : { 'x-amz-copy-source': copySource } };
  attachS3Request(
    message as S3Request['message'],
    {
      message,
      bucket,
      bucketTenant: tenant,
      query: RawQuery.EMPTY,
      rawQuery: '',
      record: { remoteAddress: client },
      operation: operation === STS_OPERATION.name ? STS_OPERATION : findOperation(operation),
      identity: isAnonymous
        ? undefined
        : {
            tenantName: 'acme',
            principal: { userId: 'me' },
            scope: scope === undefined ? undefined : keyScopeRule(scope),
          },
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
    ['the own tenant', { operation: 'GetObject', bucket: 'mine', tenant: 'acme' }, true],
    ['a copy from the own tenant', { operation: 'CopyObject', bucket: 'mine', copySource: 'acme:also-mine/k' }, true],
    ['a bucket in the scope', { operation: 'HeadBucket', bucket: 'mine', scope: { containers: ['m*'] } }, true],
    [
      'STS from inside of the scope',
      { operation: STS_OPERATION.name, scope: { networks: ['::1'] }, client: '::1' },
      true,
    ],
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
    // Were it not refused before it is looked up, this would be NoSuchContainer.
    ['another tenant', { operation: 'GetObject', bucket: 'none', tenant: 'other' }, 'AccessDenied'],
    [
      'a new bucket of another tenant',
      { operation: 'CreateBucket', bucket: 'new-one', tenant: 'other' },
      'AccessDenied',
    ],
    [
      'a copy from another tenant',
      { operation: 'CopyObject', bucket: 'none', copySource: 'other:none/k' },
      'AccessDenied',
    ],
    [
      'a bucket out of scope',
      { operation: 'HeadBucket', bucket: 'none', scope: { containers: ['m*'] } },
      'AccessDenied',
    ],
    [
      'STS from out of scope',
      { operation: STS_OPERATION.name, scope: { networks: ['::1'] }, client: '::2' },
      'AccessDenied',
    ],
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
