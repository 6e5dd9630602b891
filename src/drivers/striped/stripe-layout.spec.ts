import fc from 'fast-check';
import { StripeLayout } from './stripe-layout';

it('lays every byte into one place, and finds spans again', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 5 }),
      fc.integer({ min: 1, max: 7 }),
      fc.integer({ min: 0, max: 120 }),
      fc.integer({ min: 0, max: 120 }),
      fc.integer({ min: 0, max: 120 }),
      (parts, chunkBytes, sizeBytes, a, b) => {
        const layout = new StripeLayout(parts, chunkBytes);
        const held: number[][] = Array.from({ length: parts }, () => []);
        for (let position = 0; position < sizeBytes; position += 1) held[layout.partOf(position)]?.push(position);
        expect(held.map((_, part) => layout.partBytes(sizeBytes, part))).toEqual(held.map(({ length }) => length));

        const start = Math.min(a, b, sizeBytes);
        const endExclusive = Math.min(Math.max(a, b), sizeBytes);
        for (const [part, positions] of held.entries()) {
          const span = layout.spanInPart({ start, endExclusive }, part);
          const found = span === undefined ? [] : positions.slice(span.start, span.endExclusive);
          expect(found).toEqual(positions.filter((position) => position >= start && position < endExclusive));
        }
        if (start < endExclusive) {
          const left = layout.leftInChunk(start);
          expect(left).toBeGreaterThan(0);
          expect(Math.floor((start + left - 1) / chunkBytes)).toBe(Math.floor(start / chunkBytes));
        }
      },
    ),
  );
});
