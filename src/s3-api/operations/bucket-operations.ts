import { defineOperation as op } from './define-operation';

/** Operations on the service and on a bucket itself. Source: as in `object-operations.ts`. */
export const BUCKET_OPERATIONS = [
  op('ListBuckets', 'GET', 'service', 's3:ListAllMyBuckets', 'list'),
  op('ListDirectoryBuckets', 'GET', 'service', 's3express:ListAllMyDirectoryBuckets', 'list', {
    query: { 'x-id': 'ListDirectoryBuckets' },
  }),

  op('CreateBucket', 'PUT', 'bucket', 's3:CreateBucket', 'admin', { body: 'xml' }),
  op('HeadBucket', 'HEAD', 'bucket', 's3:ListBucket', 'read'),
  op('DeleteBucket', 'DELETE', 'bucket', 's3:DeleteBucket', 'admin'),
  op('GetBucketLocation', 'GET', 'bucket', 's3:GetBucketLocation', 'read', { query: ['location'] }),
  op('CreateSession', 'GET', 'bucket', 's3express:CreateSession', 'read', { query: ['session'] }),

  op('ListObjects', 'GET', 'bucket', 's3:ListBucket', 'list'),
  op('ListObjectsV2', 'GET', 'bucket', 's3:ListBucket', 'list', { query: { 'list-type': '2' } }),
  op('ListObjectVersions', 'GET', 'bucket', 's3:ListBucketVersions', 'list', { query: ['versions'] }),
  op('ListMultipartUploads', 'GET', 'bucket', 's3:ListBucketMultipartUploads', 'list', { query: ['uploads'] }),
  op('DeleteObjects', 'POST', 'bucket', 's3:DeleteObject', 'write', { query: ['delete'], body: 'xml' }),
  op('PostObject', 'POST', 'bucket', 's3:PutObject', 'write', { body: 'form' }),
  op('WriteGetObjectResponse', 'POST', 'bucket', 's3-object-lambda:WriteGetObjectResponse', 'write', {
    headers: ['x-amz-request-route', 'x-amz-request-token'],
    body: 'stream',
  }),

  op('PreflightBucket', 'OPTIONS', 'bucket', 's3:GetBucketCORS', 'read'),
] as const;
