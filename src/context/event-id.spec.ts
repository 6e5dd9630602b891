import * as fc from 'fast-check';
import { eventId } from './event-id';

describe('eventId', () => {
  it('is a UUID of version 7 that begins with the time, the same for the same request', () => {
    const requestId = fc
      .bigInt({ min: 0n, max: 2n ** 64n - 1n })
      .map((id) => id.toString(16).toUpperCase().padStart(16, '0'));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), requestId, (timeMs, request) => {
        const id = eventId(timeMs, request);
        expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        const digits = id.replace(/-/g, '');
        expect(parseInt(digits.slice(0, 12), 16)).toBe(timeMs);
        expect(`${digits.slice(13, 16)}${digits.slice(17, 30)}`.toUpperCase()).toBe(request);
        expect(eventId(timeMs, request)).toBe(id);
      }),
    );
  });

  it('does not repeat itself within a millisecond, whatever the id of the request', () => {
    expect(new Set(Array.from({ length: 5_000 }, () => eventId(1, 'r'))).size).toBe(5_000);
  });
});
