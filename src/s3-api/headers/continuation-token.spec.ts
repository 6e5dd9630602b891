import fc from 'fast-check';
import { fromContinuationToken, toContinuationToken } from './continuation-token';

describe('continuation tokens', () => {
  it('give back the key they were made of', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (key) => {
        fc.pre(key.isWellFormed() && !key.includes('\0'));
        expect(fromContinuationToken(toContinuationToken(key))).toBe(key);
      }),
    );
  });

  it.each(['!', 'a b', '_w', 'AA', 'YQ=='])('refuse %p, which was never handed out', (token) => {
    expect(() => fromContinuationToken(token)).toThrow('continuation token');
  });
});
