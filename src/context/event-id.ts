import { randomBytes } from 'node:crypto';

/** As the gateway makes them for every request: 64 random bits. */
const REQUEST_ID = /^[0-9A-F]{16}$/;

/**
 * The id of a request's row of the event log: a UUIDv7 (RFC 9562, section 5.7) of the time `timeMs` with the 64 random bits of the
 * request's id, so that whoever knows both names the same row. An id of any other form gives way to random bits.
 */
export function eventId(timeMs: number, requestId: string): string {
  const time = timeMs.toString(16).padStart(12, '0');
  const bits = REQUEST_ID.test(requestId) ? requestId.toLowerCase() : randomBytes(8).toString('hex');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${bits.slice(0, 3)}-8${bits.slice(3, 6)}-${bits.slice(6)}00`;
}
