import fc from 'fast-check';
import { compareKeys, prefixSuccessor } from './key-order';

const key = fc.string({ unit: 'binary', maxLength: 20 });

describe('prefixSuccessor', () => {
  it('is above every key with the prefix', () => {
    fc.assert(
      fc.property(key, key, (prefix, rest) => {
        expect(compareKeys(prefix + rest, prefixSuccessor(prefix))).toBeLessThan(0);
      }),
    );
  });

  it('is not above any greater key without the prefix', () => {
    fc.assert(
      fc.property(key, key, (prefix, other) => {
        fc.pre(!other.startsWith(prefix) && compareKeys(other, prefix) > 0);
        expect(compareKeys(other, prefixSuccessor(prefix))).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('skips the surrogates', () => {
    expect(prefixSuccessor('a\ud7ff')).toBe('a\ue000');
    expect(prefixSuccessor('a\u{10ffff}')).toBe('b');
  });
});
