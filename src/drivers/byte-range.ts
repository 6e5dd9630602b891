import type { ByteRange } from './driver';
import { DriverError } from './driver.errors';

/** Byte positions from `start` up to, not including, `endExclusive`. */
export interface ByteSpan {
  readonly start: number;
  readonly endExclusive: number;
}

/**
 * The bytes that a range means in a blob of `sizeBytes`. Throws `RangeNotSatisfiable` for a start at or past the end, an end
 * before the start, and positions that are no whole numbers.
 */
export function spanOf(range: ByteRange | undefined, sizeBytes: number): ByteSpan {
  if (range === undefined) return { start: 0, endExclusive: sizeBytes };
  const { start, end = sizeBytes - 1 } = range;
  const isValid =
    Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start < sizeBytes && end >= start;
  if (!isValid)
    throw new DriverError('RangeNotSatisfiable', `the range does not lie in the ${String(sizeBytes)} bytes`);
  return { start, endExclusive: Math.min(end + 1, sizeBytes) };
}
