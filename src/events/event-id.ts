import { randomFillSync } from 'node:crypto';

const RANDOM_BYTES = 10;
const RANDOM_DIGITS = RANDOM_BYTES * 2;
const POOL_BYTES = RANDOM_BYTES * 512;

const pool = Buffer.allocUnsafe(POOL_BYTES);
let digits = '';
let used = 0;
let prefixMs = -1;
let prefix = '';

/**
 * A UUIDv7 (RFC 9562, section 5.7) of the time `timeMs`: 48 bits of milliseconds, 74 random bits. Random numbers are drawn
 * for many ids at once, since one is made for each request.
 */
export function eventId(timeMs: number): string {
  if (timeMs !== prefixMs) {
    const time = timeMs.toString(16).padStart(12, '0');
    prefix = `${time.slice(0, 8)}-${time.slice(8)}-`;
    prefixMs = timeMs;
  }
  if (used === digits.length) refill();
  const at = used;
  used += RANDOM_DIGITS;
  return prefix + digits.slice(at, at + 4) + '-' + digits.slice(at + 4, at + 8) + '-' + digits.slice(at + 8, used);
}

function refill(): void {
  randomFillSync(pool);
  for (let at = 0; at < POOL_BYTES; at += RANDOM_BYTES) {
    pool[at] = ((pool[at] ?? 0) & 0x0f) | 0x70;
    pool[at + 2] = ((pool[at + 2] ?? 0) & 0x3f) | 0x80;
  }
  digits = pool.toString('hex');
  used = 0;
}
