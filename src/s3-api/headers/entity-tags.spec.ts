import fc from 'fast-check';
import { parseEntityTagsStrongly, parseEntityTagsWeakly, parseSingleEntityTag, unquoteEntityTag } from './entity-tags';

const tag = fc.stringMatching(/^[a-f0-9,-]{1,34}$/);

describe('ETag lists', () => {
  it('reads quoted tags, whatever separates them, and commas inside of them', () => {
    fc.assert(
      fc.property(fc.array(tag, { minLength: 1 }), fc.constantFrom(',', ', ', ' ,\t'), (tags, separator) => {
        const text = tags.map((value) => `"${value}"`).join(separator);
        expect(parseEntityTagsStrongly(text)).toEqual(tags);
        expect(parseEntityTagsWeakly(text)).toEqual(tags);
      }),
    );
  });

  it('never fails', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(parseEntityTagsWeakly(text)).toBeInstanceOf(Array);
      }),
    );
  });

  it('counts weak tags only where the comparison is weak', () => {
    expect(parseEntityTagsWeakly('W/"a", "b"')).toEqual(['a', 'b']);
    expect(parseEntityTagsStrongly('W/"a", "b"')).toEqual(['b']);
  });

  it('takes tags without quotes, and any', () => {
    expect(parseEntityTagsStrongly('abc')).toEqual(['abc']);
    expect(parseEntityTagsStrongly('*')).toEqual(['*']);
  });
});

describe('parseSingleEntityTag', () => {
  it('takes one tag or any', () => {
    expect(parseSingleEntityTag('"abc"', 'If-Match')).toBe('abc');
    expect(parseSingleEntityTag('*', 'If-None-Match')).toBe('*');
  });

  it('lets a weak tag match nothing in If-Match', () => {
    expect(parseSingleEntityTag('W/"abc"', 'If-Match')).toBe('W/"abc"');
    expect(parseSingleEntityTag('W/"abc"', 'If-None-Match')).toBe('abc');
  });

  it('refuses lists', () => {
    expect(() => parseSingleEntityTag('"a", "b"', 'If-Match')).toThrow('not implemented');
    expect(() => parseSingleEntityTag('', 'If-Match')).toThrow('not implemented');
  });
});

describe('unquoteEntityTag', () => {
  it('takes off one pair of quotes', () => {
    expect(unquoteEntityTag(' "abc-2" ')).toBe('abc-2');
    expect(unquoteEntityTag('abc')).toBe('abc');
    expect(unquoteEntityTag('"')).toBe('"');
  });
});
