import fc from 'fast-check';
import { matchesGlob } from './glob';

describe('matchesGlob', () => {
  it.each<[string, string, boolean]>([
    ['', '', true],
    ['', 'a', false],
    ['*', '', true],
    ['*', 'a/b', true],
    ['a*', 'a', true],
    ['a*', 'ba', false],
    ['*a', 'baa', true],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'a-c-b', false],
    ['a?c', 'abc', true],
    ['a?c', 'ac', false],
    ['a.c', 'abc', false],
    ['**a**', 'xax', true],
  ])('%p and %p: %p', (pattern, text, expected) => {
    expect(matchesGlob(pattern, text)).toBe(expected);
  });

  it('says what a regular expression says', () => {
    const words = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*', '?'), maxLength: 8 });
    fc.assert(
      fc.property(words, fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 12 }), (pattern, text) => {
        const expression = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`);
        expect(matchesGlob(pattern, text)).toBe(expression.test(text));
      }),
    );
  });

  it('takes no longer for a pattern that is all stars', () => {
    expect(matchesGlob('*a'.repeat(1_000), 'a'.repeat(999))).toBe(false);
  });
});
