import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { digestOf, FailoverCheck } from './failover-check';

const COPIES = ['a', 'b', 'c', 'd'];

/** Sorted and without repetition. */
const positionsIn = (bytes: Buffer) =>
  fc
    .uniqueArray(fc.integer({ min: 1, max: bytes.length - 1 }), { maxLength: 3 })
    .map((all) => all.sort((x, y) => x - y));

const scenario = fc.uint8Array({ minLength: 2, maxLength: 200 }).chain((given) => {
  const bytes = Buffer.from(given);
  return fc.record({
    bytes: fc.constant(bytes),
    /** Where one copy breaks and the next one goes on. */
    breaks: positionsIn(bytes),
    cuts: positionsIn(bytes),
    /** The byte that one of the copies has wrong. */
    wrong: fc.option(fc.record({ at: fc.nat(bytes.length - 1), copy: fc.nat(3) }), { nil: undefined }),
  });
});

function chunksOf(bytes: Buffer, start: number, end: number, cuts: readonly number[]): Buffer[] {
  const inside = cuts.filter((cut) => cut > start && cut < end);
  return [start, ...inside].map((from, at) => bytes.subarray(from, inside[at] ?? end));
}

describe('FailoverCheck', () => {
  it('lets a body pass that is what was stored, and no other, and tells whose bytes were wrong', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async ({ bytes, breaks, cuts, wrong }) => {
        const md5 = createHash('md5').update(bytes).digest();
        const contentOf = (copy: number): Buffer => {
          const content = Buffer.from(bytes);
          if (wrong?.copy === copy) content.writeUInt8(content.readUInt8(wrong.at) ^ 0xff, wrong.at);
          return content;
        };
        const blamed: string[] = [];
        const check = new FailoverCheck(
          bytes.length,
          (driver, positions) => {
            const chunks = chunksOf(contentOf(COPIES.indexOf(driver)), 0, bytes.length, cuts);
            return digestOf(Readable.from(chunks), positions);
          },
          (driver) => blamed.push(driver),
        );
        const ends = [...breaks, bytes.length];
        const sent: Buffer[] = [];
        for (const [copy, end] of ends.entries()) {
          if (copy > 0) check.wentOn(COPIES[copy - 1] ?? '', COPIES[copy] ?? '', md5);
          for (const chunk of chunksOf(contentOf(copy), ends[copy - 1] ?? 0, end, cuts)) {
            check.passed(chunk);
            sent.push(chunk);
          }
        }
        const verdict = check.verdict();
        if (breaks.length === 0) {
          expect(verdict).toBeUndefined();
          return;
        }
        const isLastWrong = wrong?.copy === breaks.length;
        if (Buffer.concat(sent).equals(bytes) && !isLastWrong) await verdict;
        else await expect(verdict).rejects.toMatchObject({ kind: 'Corrupted' });
        expect(blamed).toEqual(Buffer.concat(sent).equals(bytes) && !isLastWrong ? [] : [COPIES[wrong?.copy ?? -1]]);
      }),
      { numRuns: 300 },
    );
  });
});
