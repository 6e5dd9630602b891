import { createHash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { combineCrc, isCombinable } from './digest-combine';
import { createDigest, digestOf, initDigests } from './digests';
import type { DigestAlgorithm } from './digests';

const all: readonly DigestAlgorithm[] = [
  'md5',
  'sha1',
  'sha256',
  'sha512',
  'crc32',
  'crc32c',
  'crc64nvme',
  'xxhash64',
  'xxhash3',
  'xxhash128',
];
const check = Buffer.from('123456789');

beforeAll(() => initDigests());

describe('digests', () => {
  /** Check values of the CRC catalogue (reveng) and of the xxHash reference program. */
  it.each([
    ['crc32', 'cbf43926'],
    ['crc32c', 'e3069283'],
    ['crc64nvme', 'ae8b14860a799888'],
    ['md5', '25f9e794323b453885f5181f1b624d0b'],
    ['sha1', 'f7c3bc1d808e04732adf679965ccc34ca7ae3441'],
  ] as const)('computes %s of the check string', (algorithm, expected) => {
    expect(digestOf(algorithm, check).toString('hex')).toBe(expected);
  });

  it.each([
    ['xxhash64', 'ef46db3751d8e999'],
    ['xxhash3', '2d06800538d394c2'],
    ['xxhash128', '99aa06d3014798d86001c324468d497f'],
  ] as const)('computes %s of nothing with seed 0', (algorithm, expected) => {
    expect(digestOf(algorithm, Buffer.alloc(0)).toString('hex')).toBe(expected);
    expect(createDigest(algorithm).digest().toString('hex')).toBe(expected);
  });

  it.each(all)('gives the same %s however the bytes are cut', (algorithm) => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 700 }), { maxLength: 12 }), (chunks) => {
        const digest = createDigest(algorithm);
        for (const chunk of chunks) digest.update(chunk);
        expect(digest.digest()).toEqual(digestOf(algorithm, Buffer.concat(chunks)));
      }),
      { numRuns: 40 },
    );
  });

  it.each(all)('keeps several %s digests apart that advance in turns', (algorithm) => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ which: fc.nat({ max: 3 }), bytes: fc.uint8Array({ maxLength: 300 }) }), { maxLength: 40 }),
        (steps) => {
          const digests = Array.from({ length: 4 }, () => createDigest(algorithm));
          const expected: Uint8Array[][] = [[], [], [], []];
          for (const { which, bytes } of steps) {
            digests[which]?.update(bytes);
            expected[which]?.push(Uint8Array.from(bytes));
            digestOf(algorithm, bytes);
          }
          digests.forEach((digest, which) => {
            expect(digest.digest()).toEqual(digestOf(algorithm, Buffer.concat(expected[which] ?? [])));
          });
        },
      ),
      { numRuns: 40 },
    );
  });

  it('reads shared memory', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(4096));
    shared.set(randomBytes(4096));
    for (const algorithm of all) {
      const digest = createDigest(algorithm);
      digest.update(shared);
      expect(digest.digest()).toEqual(digestOf(algorithm, Buffer.from(shared)));
    }
    expect(digestOf('md5', shared)).toEqual(createHash('md5').update(Buffer.from(shared)).digest());
  });
});

describe('combineCrc', () => {
  const combinable = all.filter(isCombinable);

  it.each(combinable)('equals the %s of the joined bytes', (algorithm) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), fc.uint8Array({ maxLength: 3000 }), (a, b) => {
        const combined = combineCrc(algorithm, digestOf(algorithm, a), digestOf(algorithm, b), b.length);
        expect(combined).toEqual(digestOf(algorithm, Buffer.concat([a, b])));
      }),
    );
  });

  it.each(combinable)('folds %s over 10,000 parts of 5 GiB the same in any grouping', (algorithm) => {
    const part = digestOf(algorithm, check);
    const partBytes = 5 * 2 ** 30;
    let leftToRight = part;
    for (let count = 1; count < 10_000; count += 1) leftToRight = combineCrc(algorithm, leftToRight, part, partBytes);
    const doubled = (count: number): Buffer => {
      if (count === 1) return part;
      const right = Math.floor(count / 2);
      return combineCrc(algorithm, doubled(count - right), doubled(right), right * partBytes);
    };
    expect(leftToRight).toEqual(doubled(10_000));
  });

  it('refuses a length that is none', () => {
    const crc = digestOf('crc32', check);
    for (const length of [-1, 1.5, Number.NaN, 2 ** 60])
      expect(() => combineCrc('crc32', crc, crc, length)).toThrow(RangeError);
  });
});
