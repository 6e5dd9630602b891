import fc from 'fast-check';
import { AddressParser, splitTarget } from './address';

const parser = new AddressParser(['s3.example.com', 'localhost']);

function parse(target: string, host = '127.0.0.1:8080'): unknown {
  try {
    const { rawPath, authority } = splitTarget(target);
    const { bucket, key, isVirtualHosted } = parser.parse(rawPath, authority ?? host);
    return [bucket, key, isVirtualHosted];
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error;
  }
}

describe('addresses', () => {
  it.each<[string, unknown]>([
    ['/', [undefined, undefined, false]],
    ['/?x', [undefined, undefined, false]],
    ['/b', ['b', undefined, false]],
    ['/b/', ['b', undefined, false]],
    ['/b/k', ['b', 'k', false]],
    ['/b//', ['b', '/', false]],
    ['/b//a//b/', ['b', '/a//b/', false]],
    ['/b/.', ['b', '.', false]],
    ['/b/../x', ['b', '../x', false]],
    ['/b/%2E%2e/x', ['b', '../x', false]],
    ['/b/a%2Fb', ['b', 'a/b', false]],
    ['/b/a+b', ['b', 'a+b', false]],
    ['/b/a%20b%2B', ['b', 'a b+', false]],
    ['/b/%E2%82%AC', ['b', '€', false]],
    ['/b/\u00e2\u0082\u00ac', ['b', '€', false]],
    ['/b/a;b=c,d', ['b', 'a;b=c,d', false]],
    ['/my%2Dbucket/k', ['my-bucket', 'k', false]],
    ['http://other:8080/b/k?acl', ['b', 'k', false]],
    ['http://b.s3.example.com/k', ['b', 'k', true]],
    ['http://other', [undefined, undefined, false]],
  ])('reads %s path-style', (target, expected) => {
    expect(parse(target)).toEqual(expected);
  });

  it.each<[string, string, unknown]>([
    ['b.s3.example.com', '/k', ['b', 'k', true]],
    ['B.S3.EXAMPLE.COM:8080', '/', ['b', undefined, true]],
    ['a.b.c.s3.example.com', '//k/', ['a.b.c', '/k/', true]],
    ['b.localhost:8080', '/b/k', ['b', 'b/k', true]],
    ['s3.example.com', '/b/k', ['b', 'k', false]],
    ['.s3.example.com', '/b/k', ['b', 'k', false]],
    ['xs3.example.com', '/b/k', ['b', 'k', false]],
    ['[::1]:8080', '/b/k', ['b', 'k', false]],
  ])('reads host %s with path %s', (host, target, expected) => {
    expect(parse(target, host)).toEqual(expected);
  });

  it.each<[string, string]>([
    ['/b/%', 'InvalidURI'],
    ['/b/%zz', 'InvalidURI'],
    ['/b/%ff', 'InvalidURI'],
    ['/b/%ed%a0%80', 'InvalidURI'],
    ['*', 'InvalidURI'],
    ['b/k', 'InvalidURI'],
    ['/b/a%00', 'InvalidArgument'],
    ['//k', 'InvalidBucketName'],
    ['/b%2Fc/k', 'InvalidBucketName'],
    ['/b%00/k', 'InvalidBucketName'],
    ['/:b/k', 'InvalidBucketName'],
    ['/tenant:', 'InvalidBucketName'],
    ['/tenant:/k', 'InvalidBucketName'],
    ['/a:b:c/k', 'InvalidBucketName'],
    [`/b/${'a'.repeat(1025)}`, 'KeyTooLongError'],
    [`/b/${'%E2%82%AC'.repeat(342)}`, 'KeyTooLongError'],
  ])('refuses %s with %s', (target, code) => {
    expect(parse(target)).toBe(code);
  });

  it.each<[string, unknown]>([
    ['/acme:b/k', ['acme', 'b', 'k']],
    ['/acme%3Ab/k', ['acme', 'b', 'k']],
    ['/acme%3ab', ['acme', 'b', undefined]],
    ['/b/acme:b', [undefined, 'b', 'acme:b']],
  ])('reads the tenant in %s', (target, expected) => {
    const { tenant, bucket, key } = parser.parse(target, undefined);
    expect([tenant, bucket, key]).toEqual(expected);
  });

  it('accepts keys of 1,024 bytes', () => {
    expect(parse(`/b/${'%E2%82%AC'.repeat(341)}a`)).toEqual(['b', `${'€'.repeat(341)}a`, false]);
  });

  it('gives back every key that was percent-encoded', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }), (key) => {
        fc.pre(!key.includes('\0'));
        expect(parse(`/b/${encodeURIComponent(key)}`)).toEqual(['b', key, false]);
      }),
    );
  });
});
