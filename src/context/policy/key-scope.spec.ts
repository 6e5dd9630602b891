import 'reflect-metadata';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { isInNetwork, KeyScope, parseNetwork } from './key-scope';

function refusals(scope: object): string[] {
  return validateSync(plainToInstance(KeyScope, scope), { whitelist: true, forbidNonWhitelisted: true }).map(
    ({ property }) => property,
  );
}

describe('the scope of an access key', () => {
  it.each<[string, object]>([
    ['nothing', {}],
    ['operations and classes', { operations: ['GetObject', 'ListObjectsV2', 'read', 'admin'] }],
    ['patterns of containers', { containers: ['photos', 'backup-*', 'log.?'] }],
    ['beginnings of keys', { prefixes: ['a', 'ä/ ö'] }],
    ['addresses and ranges', { networks: ['192.0.2.0/24', '192.0.2.1', '2001:db8::/32', '::1', '0.0.0.0/0'] }],
  ])('may be %s', (_what, scope) => {
    expect(refusals(scope)).toEqual([]);
  });

  it.each<[string, object]>([
    ['operations', { operations: ['s3:GetObject'] }],
    ['operations', { operations: [] }],
    ['operations', { operations: null }],
    ['operations', { operations: 'read' }],
    ['containers', { containers: ['other:bucket'] }],
    ['containers', { containers: ['a/b'] }],
    ['prefixes', { prefixes: [''] }],
    ['prefixes', { prefixes: ['a\0'] }],
    ['prefixes', { prefixes: ['a'.repeat(1025)] }],
    ['networks', { networks: ['192.0.2.0/33'] }],
    ['networks', { networks: ['192.0.2'] }],
    ['networks', { networks: ['example.com'] }],
    ['networks', { networks: ['192.0.2.0/24/8'] }],
    ['networks', { networks: [1] }],
    ['buckets', { buckets: ['b'] }],
    ['operations', { operations: Array.from({ length: 101 }, () => 'read') }],
  ])('names %s as wrong (case %#)', (property, scope) => {
    expect(refusals(scope)).toEqual([property]);
  });
});

describe('networks', () => {
  it.each<[string, string, boolean]>([
    ['192.0.2.7', '192.0.2.0/24', true],
    ['192.0.3.7', '192.0.2.0/24', false],
    ['192.0.2.7', '192.0.2.7', true],
    ['::ffff:192.0.2.7', '192.0.2.0/24', true],
    ['2001:db8::5', '2001:db8::/32', true],
    ['2001:db9::5', '2001:db8::/32', false],
    ['192.0.2.7', '::/0', false],
    ['unknown', '0.0.0.0/0', false],
    ['', '0.0.0.0/0', false],
  ])('%s in %s: %s', (client, range, isInside) => {
    const network = parseNetwork(range);
    expect(network !== undefined && isInNetwork(client, network)).toBe(isInside);
  });
});
