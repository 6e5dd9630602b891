import fc from 'fast-check';
import { RawQuery } from './raw-query';

describe('RawQuery', () => {
  it('keeps order, repetition and case, and takes plus signs as they are', () => {
    const query = RawQuery.parse('b=2&a=x+y&&b=1&acl&B=%20&e==');
    expect(query.entries()).toEqual([
      ['b', '2'],
      ['a', 'x+y'],
      ['b', '1'],
      ['acl', ''],
      ['B', ' '],
      ['e', '='],
    ]);
    expect(query.get('b')).toBe('2');
    expect(query.has('acl')).toBe(true);
    expect(query.has('ACL')).toBe(false);
    expect(query.get('__proto__')).toBeUndefined();
  });

  it('refuses broken percent-encoding', () => {
    expect(() => RawQuery.parse('prefix=%')).toThrow(expect.objectContaining({ code: 'InvalidURI' }));
  });

  it('reads back whatever was encoded', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text), { minLength: 1 }), (entries) => {
        const raw = entries
          .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
          .join('&');
        expect(RawQuery.parse(raw).entries()).toEqual(entries);
      }),
    );
  });
});
