import { createHash } from 'node:crypto';
import type { OperationDefinition } from '../../src/s3-api/operations/operation.types';
import type { WireRequest } from '../support/signed-request';

/** What a request is aimed at. */
export interface Target {
  /** As it stands in the path: a name, or `tenant:name`. */
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
  readonly versionId: string;
  /** `bucket/key`, percent-encoded. */
  readonly copySource: string;
}

/** Bodies with which an operation would do what it is for; every other one gets a document that means nothing. */
const BODIES: Readonly<Record<string, (target: Target) => string>> = {
  DeleteObjects: ({ key, versionId }) =>
    `<Delete><Object><Key>${key}</Key></Object><Object><Key>${key}</Key><VersionId>${versionId}</VersionId></Object></Delete>`,
  CompleteMultipartUpload: () =>
    '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>"0"</ETag></Part></CompleteMultipartUpload>',
  PutBucketVersioning: () => '<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>',
  PutBucketTagging: () => '<Tagging><TagSet><Tag><Key>by</Key><Value>intruder</Value></Tag></TagSet></Tagging>',
  PutObjectTagging: () => '<Tagging><TagSet><Tag><Key>by</Key><Value>intruder</Value></Tag></TagSet></Tagging>',
  PutBucketLogging: ({ bucket }) =>
    `<BucketLoggingStatus><LoggingEnabled><TargetBucket>${bucket}</TargetBucket><TargetPrefix/></LoggingEnabled></BucketLoggingStatus>`,
  RestoreObject: () => '<RestoreRequest><Days>1</Days></RestoreRequest>',
  PutBucketNotificationConfiguration: () => '<NotificationConfiguration/>',
  CreateBucket: () => '',
};

/** A request of any operation of the catalogue, made of its definition alone. */
export function catalogueRequest(operation: OperationDefinition, target: Target): WireRequest {
  const path = {
    service: '/',
    bucket: `/${target.bucket}`,
    object: `/${target.bucket}/${encodeKey(target.key)}`,
  }[operation.resource];
  const query: Record<string, string> = {};
  for (const [name, value] of Object.entries(operation.query)) query[name] = value ?? '';
  if ('uploadId' in query || operation.parameters.includes('uploadId')) query.uploadId = target.uploadId;
  if ('partNumber' in query) query.partNumber = '1';
  if (operation.parameters.includes('versionId')) query.versionId = target.versionId;

  const headers: Record<string, string> = {};
  for (const name of operation.headers) headers[name] = name === 'x-amz-copy-source' ? target.copySource : 'x';
  if (operation.method !== 'PUT' && operation.method !== 'POST') {
    return { method: operation.method, path, query, headers };
  }
  const body = operation.body === 'none' ? '' : (BODIES[operation.name]?.(target) ?? '<Intruder/>');
  if (operation.body === 'xml') headers['content-md5'] = createHash('md5').update(body).digest('base64');
  return { method: operation.method, path, query, headers, body };
}

/** Whether the request carries something that names data apart from its bucket and key. */
export function namesDataElsewhere(operation: OperationDefinition): boolean {
  return (
    'uploadId' in operation.query ||
    operation.parameters.includes('uploadId') ||
    operation.parameters.includes('versionId') ||
    operation.headers.includes('x-amz-copy-source') ||
    operation.name === 'DeleteObjects'
  );
}

export function encodeKey(key: string): string {
  return key.split('/').map(encodeURIComponent).join('/');
}
