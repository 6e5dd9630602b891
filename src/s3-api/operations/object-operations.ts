import { defineOperation as op } from './define-operation';

const VERSION = { parameters: ['versionId'] } as const;
const XML_OF_VERSION = { ...VERSION, body: 'xml' } as const;
const PART = ['partNumber', 'uploadId'] as const;

/** Operations on an object. Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html */
export const OBJECT_OPERATIONS = [
  op('GetObject', 'GET', 'object', 's3:GetObject', 'read', { parameters: ['versionId', 'partNumber'] }),
  op('PutObject', 'PUT', 'object', 's3:PutObject', 'write', { body: 'stream' }),
  op('HeadObject', 'HEAD', 'object', 's3:GetObject', 'read', { parameters: ['versionId', 'partNumber'] }),
  op('DeleteObject', 'DELETE', 'object', 's3:DeleteObject', 'write', VERSION),
  op('CopyObject', 'PUT', 'object', 's3:PutObject', 'write', { headers: ['x-amz-copy-source'] }),
  op('RenameObject', 'PUT', 'object', 's3express:CreateSession', 'write', { query: ['renameObject'] }),
  op('GetObjectAttributes', 'GET', 'object', 's3:GetObjectAttributes', 'read', { query: ['attributes'], ...VERSION }),
  op('GetObjectTorrent', 'GET', 'object', 's3:GetObjectTorrent', 'read', { query: ['torrent'] }),
  op('RestoreObject', 'POST', 'object', 's3:RestoreObject', 'write', { query: ['restore'], ...XML_OF_VERSION }),
  op('SelectObjectContent', 'POST', 'object', 's3:GetObject', 'read', {
    query: { select: undefined, 'select-type': '2' },
    body: 'xml',
  }),
  op('UpdateObjectEncryption', 'PUT', 'object', 's3:UpdateObjectEncryption', 'write', {
    query: ['encryption'],
    ...XML_OF_VERSION,
  }),

  op('CreateMultipartUpload', 'POST', 'object', 's3:PutObject', 'write', { query: ['uploads'] }),
  op('UploadPart', 'PUT', 'object', 's3:PutObject', 'write', { query: PART, body: 'stream' }),
  op('UploadPartCopy', 'PUT', 'object', 's3:PutObject', 'write', { query: PART, headers: ['x-amz-copy-source'] }),
  op('CompleteMultipartUpload', 'POST', 'object', 's3:PutObject', 'write', { query: ['uploadId'], body: 'xml' }),
  op('AbortMultipartUpload', 'DELETE', 'object', 's3:AbortMultipartUpload', 'write', { query: ['uploadId'] }),
  op('ListParts', 'GET', 'object', 's3:ListMultipartUploadParts', 'list', { query: ['uploadId'] }),

  op('GetObjectAcl', 'GET', 'object', 's3:GetObjectAcl', 'read', { query: ['acl'], ...VERSION }),
  op('PutObjectAcl', 'PUT', 'object', 's3:PutObjectAcl', 'write', { query: ['acl'], ...XML_OF_VERSION }),
  op('GetObjectTagging', 'GET', 'object', 's3:GetObjectTagging', 'read', { query: ['tagging'], ...VERSION }),
  op('PutObjectTagging', 'PUT', 'object', 's3:PutObjectTagging', 'write', { query: ['tagging'], ...XML_OF_VERSION }),
  op('DeleteObjectTagging', 'DELETE', 'object', 's3:DeleteObjectTagging', 'write', { query: ['tagging'], ...VERSION }),
  op('GetObjectLegalHold', 'GET', 'object', 's3:GetObjectLegalHold', 'read', { query: ['legal-hold'], ...VERSION }),
  op('PutObjectLegalHold', 'PUT', 'object', 's3:PutObjectLegalHold', 'write', {
    query: ['legal-hold'],
    ...XML_OF_VERSION,
  }),
  op('GetObjectRetention', 'GET', 'object', 's3:GetObjectRetention', 'read', { query: ['retention'], ...VERSION }),
  op('PutObjectRetention', 'PUT', 'object', 's3:PutObjectRetention', 'write', {
    query: ['retention'],
    ...XML_OF_VERSION,
  }),

  op('GetObjectAnnotation', 'GET', 'object', 's3:GetObjectAnnotation', 'read', {
    query: ['annotation', 'annotationName'],
    ...VERSION,
  }),
  op('ListObjectAnnotations', 'GET', 'object', 's3:ListObjectAnnotations', 'list', {
    query: ['annotation'],
    ...VERSION,
  }),
  op('PutObjectAnnotation', 'PUT', 'object', 's3:PutObjectAnnotation', 'write', {
    query: ['annotation'],
    parameters: ['annotationName', 'versionId'],
    body: 'stream',
  }),
  op('DeleteObjectAnnotation', 'DELETE', 'object', 's3:DeleteObjectAnnotation', 'write', {
    query: ['annotation'],
    parameters: ['annotationName', 'versionId'],
  }),

  op('PreflightObject', 'OPTIONS', 'object', 's3:GetBucketCORS', 'read'),
] as const;
