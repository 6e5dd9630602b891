import { isValidBucketName } from './bucket-name';

describe('isValidBucketName', () => {
  it.each(['abc', 'my.bucket-1', '1a2', 'a'.repeat(63), '1.2.3', '0.0.0.0.0'])('accepts %s', (name) => {
    expect(isValidBucketName(name)).toBe(true);
  });

  it.each([
    'ab',
    'a'.repeat(64),
    'Abc',
    'a_b',
    '-ab',
    'ab-',
    '.ab',
    'ab.',
    'a..b',
    '192.168.5.4',
    'xn--a',
    'sthree-a',
    'a-s3alias',
    'a--ol-s3',
    'äbc',
    'a b',
  ])('refuses %s', (name) => {
    expect(isValidBucketName(name)).toBe(false);
  });
});
