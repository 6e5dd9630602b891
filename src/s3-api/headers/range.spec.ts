import fc from 'fast-check';
import { parseCopySourceRange, parsePartNumber, parseRange, readRange } from './range';

describe('parseRange', () => {
  it('reads one range, closed or open, and a suffix', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (start, length) => {
        const end = start + length;
        const closed = `bytes=${start}-${end}`;
        expect(parseRange(closed)).toEqual({ kind: 'range', start, end, text: closed });
        expect(parseRange(`bytes=${start}-`)).toMatchObject({ kind: 'range', start, end: undefined });
        expect(parseRange(`bytes=-${length}`)).toMatchObject({ kind: 'suffix', lengthBytes: length });
      }),
    );
  });

  it.each(['bytes=0-1,3-4', 'bytes=5-2', 'bytes=-', 'bytes=a-b', 'items=0-1', '0-1', 'bytes=0', '', 'bytes 0-1'])(
    'leaves %p to the whole object',
    (text) => {
      expect(parseRange(text)).toBeUndefined();
    },
  );

  it('bounds positions that no object has', () => {
    expect(parseRange('bytes=99999999999999999999-')).toMatchObject({ start: Number.MAX_SAFE_INTEGER });
  });
});

describe('readRange', () => {
  it('refuses Range together with partNumber', () => {
    expect(() => readRange('bytes=0-1', '1')).toThrow('Cannot specify both');
  });

  it('reads a part number', () => {
    expect(readRange(undefined, '7')).toEqual({ kind: 'part', partNumber: 7 });
  });
});

describe('parsePartNumber', () => {
  it.each([undefined, '', '0', '10001', '-1', '1.5', 'x', '100000000'])('refuses %p', (text) => {
    expect(() => parsePartNumber(text)).toThrow('between 1 and 10000');
  });

  it('takes 1 to 10,000', () => {
    expect(parsePartNumber('1')).toBe(1);
    expect(parsePartNumber('10000')).toBe(10_000);
  });
});

describe('parseCopySourceRange', () => {
  it('reads first and last byte', () => {
    expect(parseCopySourceRange('bytes=0-21')).toEqual({ kind: 'range', start: 0, end: 21, text: 'bytes=0-21' });
  });

  it.each([
    '0-2',
    'bytes=0',
    'bytes=hello-world',
    'bytes=0-bar',
    'bytes=hello-',
    'bytes=0-2,3-5',
    'bytes=3-',
    'bytes=-3',
    'bytes=5-1',
  ])('refuses %p', (text) => {
    expect(() => parseCopySourceRange(text)).toThrow('x-amz-copy-source-range');
  });
});
