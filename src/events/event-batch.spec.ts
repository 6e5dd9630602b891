import * as fc from 'fast-check';
import { EventCollector, halves, joined } from './event-batch';

describe('EventCollector', () => {
  it('gives back what it was given, in order, whatever is taken when', () => {
    const lines = fc.array(fc.string({ unit: 'grapheme', maxLength: 40 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(fc.array(lines, { maxLength: 8 }), fc.integer({ min: 0, max: 3 }), (rounds, large) => {
        const collector = new EventCollector();
        for (const [round, texts] of rounds.entries()) {
          // Some that end a chunk.
          const given = texts.map((text) => `${round === large ? text.padEnd(60_000, 'é') : text}\n`);
          for (const line of given) collector.add(line);
          expect(collector.rows).toBe(given.length);
          expect(collector.bytes).toBe(Buffer.byteLength(given.join('')));
          const batches = collector.take();
          expect(batches.map(({ bytes }) => bytes.toString()).join('')).toBe(given.join(''));
          expect(joined(batches).rows).toBe(given.length);
          expect(collector.rows).toBe(0);
        }
        expect(collector.take()).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });

  it('leaves batches alone that were taken', () => {
    const collector = new EventCollector();
    collector.add('first\n');
    const [taken] = collector.take();
    collector.add('second\n');
    expect(taken?.bytes.toString()).toBe('first\n');
  });
});

describe('halves', () => {
  it('cuts between lines', () => {
    const [first, second] = halves({ bytes: Buffer.from('a\nbb\nccc\n'), rows: 3 });
    expect([first.bytes.toString(), first.rows]).toEqual(['a\n', 1]);
    expect([second.bytes.toString(), second.rows]).toEqual(['bb\nccc\n', 2]);
  });
});
