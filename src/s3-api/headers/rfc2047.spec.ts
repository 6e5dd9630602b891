import fc from 'fast-check';
import { decodeHeaderText, isHeaderSafe, toHeaderValue } from './request-header';
import { decodeRfc2047, encodeRfc2047 } from './rfc2047';

describe('RFC 2047 in metadata', () => {
  it('gives any printable text back that it encoded', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        fc.pre(!/\p{Cc}/u.test(text) && !text.includes('=?') && text.isWellFormed());
        expect(decodeRfc2047(encodeRfc2047(text))).toBe(text);
      }),
    );
  });

  it('always encodes into a value that may stand in a header', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(isHeaderSafe(encodeRfc2047(text))).toBe(true);
      }),
    );
  });

  it('leaves ASCII as it is', () => {
    expect(encodeRfc2047('plain, with "quotes"')).toBe('plain, with "quotes"');
    expect(decodeRfc2047('plain =? no word')).toBe('plain =? no word');
  });

  it('decodes words in base64 and quoted form, in UTF-8 and ISO-8859-1', () => {
    expect(decodeRfc2047('=?UTF-8?B?w4TDlsOc?=')).toBe('ÄÖÜ');
    expect(decodeRfc2047('=?utf-8?q?caf=C3=A9_au_lait?=')).toBe('café au lait');
    expect(decodeRfc2047('=?ISO-8859-1?Q?caf=E9?=')).toBe('café');
    expect(decodeRfc2047('before =?UTF-8?Q?=C3=A9?= after')).toBe('before é after');
  });

  it('drops the white space between two words', () => {
    expect(decodeRfc2047('=?UTF-8?Q?a?= =?UTF-8?Q?b?= =?UTF-8?Q?c?=')).toBe('abc');
  });

  it('keeps words that are of another charset, are not UTF-8, or hide control characters', () => {
    for (const word of ['=?KOI8-R?B?1MXT1A==?=', '=?UTF-8?Q?=FF=FE?=', '=?UTF-8?Q?a=0D=0Ax-evil:=20b?=']) {
      expect(decodeRfc2047(word)).toBe(word);
    }
  });
});

describe('decodeHeaderText', () => {
  it('reads UTF-8 bytes that arrived as latin1', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        fc.pre(text.isWellFormed() && !text.includes('\ufffd'));
        expect(decodeHeaderText(Buffer.from(text, 'utf8').toString('latin1'))).toBe(text);
      }),
    );
  });

  it('keeps bytes that are no UTF-8', () => {
    expect(decodeHeaderText('Hello World\xe9')).toBe('Hello World\xe9');
  });
});

describe('toHeaderValue', () => {
  it('never lets a line end through', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('\r', '\n', '\0'), fc.string(), (before, control, after) => {
        expect(() => toHeaderValue(before + control + after, 'response-expires')).toThrow('ISO-8859-1');
      }),
    );
  });

  it('writes other text as UTF-8', () => {
    expect(toHeaderValue('attachment; filename="é"', 'x')).toBe('attachment; filename="\xc3\xa9"');
  });
});
