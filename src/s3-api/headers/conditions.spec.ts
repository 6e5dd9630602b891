import { copySourceConditions, deleteConditions, readConditions, writeConditions } from './conditions';

const DATE = 'Sun, 06 Nov 1994 08:49:37 GMT';

describe('conditions', () => {
  it('reads those of a GET', () => {
    expect(
      readConditions({
        'if-match': '"a", "b"',
        'if-none-match': 'W/"c"',
        'if-modified-since': DATE,
        'if-unmodified-since': DATE,
      }),
    ).toEqual({
      ifMatch: ['a', 'b'],
      ifNoneMatch: ['c'],
      ifModifiedSince: new Date(DATE),
      ifUnmodifiedSince: new Date(DATE),
    });
  });

  it('ignores dates that are none', () => {
    expect(readConditions({ 'if-modified-since': 'yesterday' })).toEqual({});
  });

  it('reads those of a copy source', () => {
    expect(copySourceConditions({ 'x-amz-copy-source-if-match': 'a', 'if-match': 'b' })).toEqual({ ifMatch: ['a'] });
  });

  it('reads those of a write, and refuses dates there', () => {
    expect(writeConditions({ 'if-none-match': '*' })).toEqual({ ifNoneMatch: '*' });
    expect(() => writeConditions({ 'if-modified-since': DATE })).toThrow(
      expect.objectContaining({ code: 'NotImplemented' }),
    );
  });

  it('refuses a delete whose condition it cannot read', () => {
    expect(deleteConditions({ 'x-amz-if-match-size': '3', 'x-amz-if-match-last-modified-time': DATE })).toEqual({
      ifMatchSizeBytes: 3,
      ifMatchLastModified: new Date(DATE),
    });
    expect(() => deleteConditions({ 'x-amz-if-match-last-modified-time': 'soon' })).toThrow('date');
    expect(() => deleteConditions({ 'x-amz-if-match-size': 'big' })).toThrow('size');
  });
});
