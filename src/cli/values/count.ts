/**
 * A whole number, not negative.
 *
 * @throws RangeError for anything else
 */
export function parseCount(text: string): number {
  const count = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(count)) throw new RangeError('wants a whole number');
  return count;
}
