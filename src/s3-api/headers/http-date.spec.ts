import fc from 'fast-check';
import { parseHttpDate } from './http-date';

describe('parseHttpDate', () => {
  it('reads back every date that JavaScript writes as an HTTP date', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 253_402_300_799 }), (seconds) => {
        const date = new Date(seconds * 1000);
        expect(parseHttpDate(date.toUTCString())).toEqual(date);
        expect(parseHttpDate(date.toISOString())).toEqual(date);
      }),
    );
  });

  it('reads the obsolete forms of RFC 9110', () => {
    const expected = new Date('1994-11-06T08:49:37Z');
    expect(parseHttpDate('Sunday, 06-Nov-94 08:49:37 GMT')).toEqual(expected);
    expect(parseHttpDate('Sun Nov  6 08:49:37 1994')).toEqual(expected);
  });

  it.each([
    '',
    'yesterday',
    'Sun, 31 Feb 2020 00:00:00 GMT',
    'Sun, 06 Nov 1994 25:00:00 GMT',
    '2020-13-01T00:00:00Z',
    '12',
  ])('is undefined for %p', (text) => {
    expect(parseHttpDate(text)).toBeUndefined();
  });
});
