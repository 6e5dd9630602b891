import type { IncomingHttpHeaders } from 'node:http';
import type { ArtifactAddress } from '../../engine/artifacts/artifact.types';
import { parseCopySource } from '../headers/copy-source';
import type { S3Request } from '../http/s3-request';
import { findOperation } from '../operations/operation-catalogue';
import type { OperationDefinition } from '../operations/operation.types';
import type { Access } from './access-scope';

/** Actions that IAM has another one for when a version is named. */
const OF_A_VERSION: Readonly<Record<string, string>> = {
  's3:GetObject': 's3:GetObjectVersion',
  's3:DeleteObject': 's3:DeleteObjectVersion',
  's3:GetObjectAcl': 's3:GetObjectVersionAcl',
  's3:PutObjectAcl': 's3:PutObjectVersionAcl',
  's3:GetObjectTagging': 's3:GetObjectVersionTagging',
  's3:PutObjectTagging': 's3:PutObjectVersionTagging',
  's3:DeleteObjectTagging': 's3:DeleteObjectVersionTagging',
  's3:GetObjectAttributes': 's3:GetObjectVersionAttributes',
  's3:GetObjectTorrent': 's3:GetObjectVersionTorrent',
};

/** Actions that an operation needs besides its own. */
const ALSO_NEEDED: Readonly<Record<string, string>> = { GetObjectAttributes: 's3:GetObject' };

/** What a write's headers do needs the action of the operation that would do it by itself. */
const BY_HEADER: readonly (readonly [prefix: string, onObject: string, onBucket: string])[] = [
  ['x-amz-tagging', 's3:PutObjectTagging', 's3:PutBucketTagging'],
  ['x-amz-acl', 's3:PutObjectAcl', 's3:PutBucketAcl'],
  ['x-amz-grant-', 's3:PutObjectAcl', 's3:PutBucketAcl'],
  ['x-amz-object-lock-', 's3:PutObjectRetention', 's3:PutBucketObjectLockConfiguration'],
  ['x-amz-bypass-governance-retention', 's3:BypassGovernanceRetention', 's3:BypassGovernanceRetention'],
];

/**
 * Everything that a request asks for, as far as its line and headers say. The keys of DeleteObjects are in its body: see
 * {@link deletionAccess}. Throws as `parseCopySource`.
 */
export function requestedAccess(request: S3Request): readonly Access[] {
  const { operation, message, query, rawQuery } = request;
  const hasVersion = rawQuery !== '' && operation.parameters.includes('versionId') && query.has('versionId');
  const access: Access = {
    operation,
    actions: operation.name === 'DeleteObjects' ? [] : actionsOf(operation, message.headers, hasVersion),
    bucket: request.bucket,
    key: request.key,
    prefix: operation.operationClass === 'list' ? query.get('prefix') : undefined,
  };
  const source = message.headers['x-amz-copy-source'];
  if (typeof source !== 'string' || !operation.headers.includes('x-amz-copy-source')) return [access];
  return [access, sourceAccess(parseCopySource(source))];
}

/** One of the keys that a DeleteObjects names. */
export function deletionAccess(
  request: Pick<S3Request, 'operation' | 'bucket'>,
  entry: { readonly key: string; readonly versionId: string | undefined },
): Access {
  const action = entry.versionId === undefined ? 's3:DeleteObject' : 's3:DeleteObjectVersion';
  return {
    operation: request.operation,
    actions: [action],
    bucket: request.bucket,
    key: entry.key,
    prefix: undefined,
  };
}

function sourceAccess(source: ArtifactAddress): Access {
  const operation = findOperation('GetObject');
  if (operation === undefined) throw new Error('The catalogue lacks GetObject');
  return {
    operation,
    actions: [source.versionId === undefined ? 's3:GetObject' : 's3:GetObjectVersion'],
    bucket: source.container,
    key: source.key,
    prefix: undefined,
  };
}

function actionsOf(operation: OperationDefinition, headers: IncomingHttpHeaders, hasVersion: boolean): string[] {
  const also = ALSO_NEEDED[operation.name];
  const actions = also === undefined ? [operation.action] : [operation.action, also];
  const named = hasVersion ? actions.map((action) => OF_A_VERSION[action] ?? action) : actions;
  if (operation.operationClass === 'read' || operation.operationClass === 'list') return named;
  for (const [prefix, onObject, onBucket] of BY_HEADER) {
    const isAsked = Object.keys(headers).some(
      (name) => name.startsWith(prefix) && !name.startsWith('x-amz-tagging-directive'),
    );
    if (isAsked) named.push(operation.resource === 'object' ? onObject : onBucket);
  }
  return named;
}
