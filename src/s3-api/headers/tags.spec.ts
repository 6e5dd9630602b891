import fc from 'fast-check';
import { checkTags, MAX_OBJECT_TAGS, parseTaggingHeader } from './tags';

const text = (maxLength: number): fc.Arbitrary<string> =>
  fc.string({
    unit: fc.constantFrom('a', 'Z', '0', ' ', '+', '-', '=', '.', '_', ':', '/', '@', 'é', '語'),
    maxLength,
  });

describe('parseTaggingHeader', () => {
  it('reads form-encoded pairs', () => {
    const pairs = fc.uniqueArray(
      fc.tuple(
        text(20).filter((key) => key !== ''),
        text(30),
      ),
      {
        maxLength: MAX_OBJECT_TAGS,
        selector: ([name]) => name,
      },
    );
    fc.assert(
      fc.property(pairs, (list) => {
        fc.pre(list.every(([name]) => !name.startsWith('aws:')));
        const header = new URLSearchParams(list.map(([name, value]): [string, string] => [name, value])).toString();
        expect(Object.entries(parseTaggingHeader(header)).sort()).toEqual(list.map(([a, b]) => [a, b]).sort());
      }),
    );
  });

  it('takes a key without value', () => {
    expect({ ...parseTaggingHeader('foo=bar&bar') }).toEqual({ foo: 'bar', bar: '' });
  });

  it('keeps a tag called __proto__', () => {
    expect(Object.keys(parseTaggingHeader('__proto__=1'))).toEqual(['__proto__']);
  });

  it('refuses broken percent-encoding', () => {
    expect(() => parseTaggingHeader('a=%zz')).toThrow(expect.objectContaining({ code: 'InvalidArgument' }));
  });
});

describe('checkTags', () => {
  const refused = expect.objectContaining({ code: 'InvalidTag' });

  it('holds the limits of S3', () => {
    expect(() => checkTags([['k'.repeat(128), 'v'.repeat(256)]], MAX_OBJECT_TAGS)).not.toThrow();
    expect(() => checkTags([['k'.repeat(129), '']], MAX_OBJECT_TAGS)).toThrow(refused);
    expect(() => checkTags([['k', 'v'.repeat(257)]], MAX_OBJECT_TAGS)).toThrow(refused);
    expect(() =>
      checkTags(
        Array.from({ length: 11 }, (_, i) => [`k${i}`, ''] as const),
        MAX_OBJECT_TAGS,
      ),
    ).toThrow(refused);
  });

  it('refuses empty, reserved, repeated and unprintable keys', () => {
    expect(() => checkTags([['', 'v']], MAX_OBJECT_TAGS)).toThrow(refused);
    expect(() => checkTags([['aws:x', 'v']], MAX_OBJECT_TAGS)).toThrow(refused);
    expect(() =>
      checkTags(
        [
          ['a', '1'],
          ['a', '2'],
        ],
        MAX_OBJECT_TAGS,
      ),
    ).toThrow(refused);
    expect(() => checkTags([['a\n', '1']], MAX_OBJECT_TAGS)).toThrow(refused);
  });
});
