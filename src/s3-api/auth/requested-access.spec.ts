import { RawQuery } from '../http/raw-query';
import type { S3Request } from '../http/s3-request';
import { findOperation } from '../operations/operation-catalogue';
import { deletionAccess, requestedAccess } from './requested-access';

function requestOf(
  operationName: string,
  rawQuery = '',
  headers: Record<string, string> = {},
  key: string | undefined = 'k',
): S3Request {
  const operation = findOperation(operationName);
  if (operation === undefined) throw new Error(operationName);
  return {
    operation,
    message: { headers },
    query: RawQuery.parse(rawQuery),
    rawQuery,
    bucket: 'b',
    key: operation.resource === 'object' ? key : undefined,
  } as unknown as S3Request;
}

const actionsOf = (...request: Parameters<typeof requestOf>): readonly string[] =>
  requestedAccess(requestOf(...request)).flatMap(({ actions }) => actions);

describe('what a request asks for', () => {
  it.each<[string, string, Record<string, string>, readonly string[]]>([
    ['GetObject', '', {}, ['s3:GetObject']],
    ['HeadObject', 'versionId=1', {}, ['s3:GetObjectVersion']],
    ['GetObject', 'versionId=', {}, ['s3:GetObjectVersion']],
    ['DeleteObject', 'versionId=null', {}, ['s3:DeleteObjectVersion']],
    ['GetObjectAttributes', 'attributes', {}, ['s3:GetObjectAttributes', 's3:GetObject']],
    ['GetObjectAttributes', 'attributes&versionId=1', {}, ['s3:GetObjectVersionAttributes', 's3:GetObjectVersion']],
    ['PutObject', '', { 'x-amz-storage-class': 'STANDARD' }, ['s3:PutObject']],
    ['PutObject', '', { 'x-amz-tagging': 'a=b' }, ['s3:PutObject', 's3:PutObjectTagging']],
    ['PutObject', '', { 'x-amz-acl': 'private' }, ['s3:PutObject', 's3:PutObjectAcl']],
    ['CreateMultipartUpload', 'uploads', { 'x-amz-grant-read': 'id=1' }, ['s3:PutObject', 's3:PutObjectAcl']],
    ['CreateBucket', '', { 'x-amz-acl': 'private' }, ['s3:CreateBucket', 's3:PutBucketAcl']],
    ['GetObject', '', { 'x-amz-tagging': 'a=b' }, ['s3:GetObject']],
    ['DeleteObjects', 'delete', {}, []],
  ])('%s?%s with %j takes %j', (operation, rawQuery, headers, actions) => {
    expect(actionsOf(operation, rawQuery, headers)).toEqual(actions);
  });

  it.each(['CopyObject', 'UploadPartCopy'])('is to read its source besides, for %s', (name) => {
    const source = { 'x-amz-copy-source': 'acme:other/a/b?versionId=1', 'x-amz-tagging-directive': 'COPY' };
    expect(requestedAccess(requestOf(name, '', source))).toMatchObject([
      { operation: { name }, actions: ['s3:PutObject'], bucket: 'b', key: 'k' },
      { operation: { name: 'GetObject' }, actions: ['s3:GetObjectVersion'], bucket: 'other', key: 'a/b' },
    ]);
  });

  it('is the prefix of a listing, if it has one', () => {
    const prefixOf = (rawQuery: string): string | undefined =>
      requestedAccess(requestOf('ListObjectsV2', rawQuery))[0]?.prefix;
    expect([prefixOf('list-type=2'), prefixOf('prefix='), prefixOf('prefix=a%2F&prefix=b')]).toEqual([
      undefined,
      '',
      'a/',
    ]);
  });

  it('is each key that is to be deleted', () => {
    const request = requestOf('DeleteObjects', 'delete');
    expect(deletionAccess(request, { key: 'a', versionId: undefined })).toMatchObject({
      actions: ['s3:DeleteObject'],
      bucket: 'b',
      key: 'a',
    });
    expect(deletionAccess(request, { key: 'a', versionId: '1' }).actions).toEqual(['s3:DeleteObjectVersion']);
  });
});
