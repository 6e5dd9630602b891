import type { IncomingHttpHeaders } from 'node:http';
import { readWriteHeaders, stripAwsChunked, toAttributes } from './write-headers';

const OWNER = 'f'.repeat(64);
const read = (headers: IncomingHttpHeaders): ReturnType<typeof readWriteHeaders> => readWriteHeaders(headers, OWNER);
const refusal = (code: string): Error => expect.objectContaining({ code });

describe('readWriteHeaders', () => {
  it('keeps the content headers as they came', () => {
    const { headers } = read({
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-cache',
      'content-disposition': 'attachment',
      'content-encoding': 'aws-chunked, gzip',
      'content-language': 'de',
      expires: 'never',
      'x-amz-website-redirect-location': '/other',
      'content-length': '3',
    });
    expect(headers).toEqual({
      contentType: 'text/plain; charset=utf-8',
      cacheControl: 'no-cache',
      contentDisposition: 'attachment',
      contentEncoding: 'gzip',
      contentLanguage: 'de',
      expires: 'never',
      websiteRedirectLocation: '/other',
    });
  });

  it('collects metadata, decoded, under any name', () => {
    const { metadata } = read({
      'x-amz-meta-a': 'plain',
      'x-amz-meta-empty': '',
      'x-amz-meta-utf8': Buffer.from('é').toString('latin1'),
      'x-amz-meta-word': '=?UTF-8?B?w6k=?=',
      'x-amz-meta-__proto__': 'kept',
    });
    expect(Object.entries(metadata)).toEqual([
      ['a', 'plain'],
      ['empty', ''],
      ['utf8', 'é'],
      ['word', 'é'],
      ['__proto__', 'kept'],
    ]);
  });

  it('refuses more than 2 KB of metadata', () => {
    expect(() => read({ 'x-amz-meta-a': 'x'.repeat(2047) })).not.toThrow();
    expect(() => read({ 'x-amz-meta-a': 'x'.repeat(2048) })).toThrow(refusal('MetadataTooLarge'));
    expect(() => read({ 'x-amz-meta-a': 'é'.repeat(1024) })).toThrow(refusal('MetadataTooLarge'));
  });

  it('fills in what the client left out', () => {
    expect(toAttributes(read({}))).toEqual({ headers: {}, metadata: {}, storageClass: 'STANDARD', tags: {} });
  });

  it.each([
    ['x-amz-tagging', 'aws:a=b', 'InvalidTag'],
    ['x-amz-acl', 'public-read', 'AccessControlListNotSupported'],
    ['x-amz-acl', 'nonsense', 'InvalidArgument'],
    ['x-amz-grant-read', `id="${OWNER}"`, 'AccessControlListNotSupported'],
    ['x-amz-grant-full-control', 'id="somebody"', 'AccessControlListNotSupported'],
    ['x-amz-server-side-encryption', 'AES256', 'NotImplemented'],
    ['x-amz-server-side-encryption', 'aws:kms', 'NotImplemented'],
    ['x-amz-server-side-encryption', 'rot13', 'InvalidArgument'],
    ['x-amz-server-side-encryption-customer-algorithm', 'AES256', 'NotImplemented'],
    ['x-amz-object-lock-mode', 'GOVERNANCE', 'InvalidRequest'],
    ['x-amz-object-lock-legal-hold', 'ON', 'InvalidRequest'],
    ['x-amz-write-offset-bytes', '0', 'NotImplemented'],
    ['x-amz-website-redirect-location', 'ftp://x', 'InvalidRedirectLocation'],
  ])('refuses %s: %s', (name, value, code) => {
    expect(() => read({ [name]: value })).toThrow(refusal(code));
  });

  it('takes ACLs that grant nothing beyond the owner', () => {
    expect(() => read({ 'x-amz-acl': 'private' })).not.toThrow();
    expect(() => read({ 'x-amz-acl': 'bucket-owner-full-control' })).not.toThrow();
    expect(() => read({ 'x-amz-grant-full-control': `id="${OWNER}"` })).not.toThrow();
  });
});

describe('stripAwsChunked', () => {
  it.each([
    ['gzip', 'gzip'],
    ['deflate, gzip', 'deflate, gzip'],
    ['gzip, aws-chunked', 'gzip'],
    ['aws-chunked,gzip', 'gzip'],
    ['aws-chunked', undefined],
    ['aws-chunked, aws-chunked', undefined],
  ])('makes %p %p', (value, expected) => {
    expect(stripAwsChunked(value)).toBe(expected);
  });
});
