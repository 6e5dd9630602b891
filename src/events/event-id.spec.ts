import * as fc from 'fast-check';
import { eventId } from './event-id';

describe('eventId', () => {
  it('is a UUID of version 7 that begins with the time', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), (timeMs) => {
        const id = eventId(timeMs);
        expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        expect(parseInt(id.replace(/-/g, '').slice(0, 12), 16)).toBe(timeMs);
      }),
    );
  });

  it('does not repeat itself within a millisecond', () => {
    expect(new Set(Array.from({ length: 5_000 }, () => eventId(1))).size).toBe(5_000);
  });
});
