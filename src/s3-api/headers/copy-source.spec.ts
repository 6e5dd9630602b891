import fc from 'fast-check';
import { parseCopySource } from './copy-source';

const key = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
  .filter((text) => text.isWellFormed() && !text.includes('\0'));

describe('parseCopySource', () => {
  it('finds bucket, key and version in what a client encoded', () => {
    fc.assert(
      fc.property(
        key,
        fc.boolean(),
        fc.option(fc.stringMatching(/^[A-Za-z0-9._-]{1,40}$/)),
        (name, hasSlash, version) => {
          const text =
            `${hasSlash ? '/' : ''}bucket/${encodeURIComponent(name)}` +
            (version === null ? '' : `?versionId=${version}`);
          expect(parseCopySource(text)).toEqual({ container: 'bucket', key: name, versionId: version ?? undefined });
        },
      ),
    );
  });

  it('takes keys that were not encoded, UTF-8 included', () => {
    expect(parseCopySource('bucket/a b+c/é')).toMatchObject({ key: 'a b+c/é' });
    expect(parseCopySource(Buffer.from('bucket/é').toString('latin1'))).toMatchObject({ key: 'é' });
  });

  it('reads an encoded question mark as part of the key', () => {
    expect(parseCopySource('bucket/%3FversionId')).toEqual({
      container: 'bucket',
      key: '?versionId',
      versionId: undefined,
    });
  });

  it.each([
    ['acme:bucket/a/b', 'a/b'],
    ['/acme:bucket/a', 'a'],
    ['acme%3Abucket/a', 'a'],
    ['/acme%3abucket%2Fa', 'a'],
  ])('finds the tenant in %s', (text, name) => {
    expect(parseCopySource(text)).toEqual({ tenant: 'acme', container: 'bucket', key: name, versionId: undefined });
  });

  it('leaves colons to the key', () => {
    expect(parseCopySource('bucket/acme:b')).toMatchObject({ tenant: undefined, container: 'bucket', key: 'acme:b' });
  });

  it('refuses the address of an access point', () => {
    expect(() => parseCopySource('arn:aws:s3:us-east-1:1:accesspoint/a/object/k')).toThrow(
      expect.objectContaining({ code: 'NotImplemented' }),
    );
  });

  it.each([
    ':bucket/key',
    'acme:/key',
    'a:b:c/key',
    '',
    '/',
    'bucket',
    'bucket/',
    '/bucket/',
    '//key',
    'bucket/%zz',
    'bucket/%ff',
    'bucket/a%00',
    'bucket/key?versionId=',
  ])('refuses %p', (text) => {
    expect(() => parseCopySource(text)).toThrow(expect.objectContaining({ code: 'InvalidArgument' }));
  });

  it('refuses keys of more than 1,024 bytes', () => {
    expect(() => parseCopySource(`bucket/${'é'.repeat(513)}`)).toThrow(
      expect.objectContaining({ code: 'KeyTooLongError' }),
    );
  });
});
