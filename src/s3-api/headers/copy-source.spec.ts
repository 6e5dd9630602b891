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
