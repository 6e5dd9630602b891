const UNITS = ['', 'K', 'M', 'G', 'T', 'P'];
const BYTE_SIZE = /^(\d{1,16}(?:\.\d{1,9})?) ?([KMGTP]?)(I?)B?$/i;

/**
 * Bytes of `10GB` (powers of 1000), `5GiB` (powers of 1024) or `1048576`; upper or lower case, with or without the B. A
 * fraction of a byte is rounded off.
 *
 * @throws RangeError for anything else, and beyond 2^53-1 bytes
 */
export function parseByteSize(text: string): number {
  const match = BYTE_SIZE.exec(text.trim());
  const [, digits = '', unit = '', binary = ''] = match ?? [];
  const exponent = UNITS.indexOf(unit.toUpperCase());
  const bytes = Math.round(Number(digits) * (binary === '' ? 1000 : 1024) ** exponent);
  if (match === null || (binary !== '' && unit === '') || !Number.isSafeInteger(bytes)) {
    throw new RangeError('wants a size as 1048576, 10GB or 5GiB');
  }
  return bytes;
}

/** For people: the number, and where it has a thousand or more also in a unit: `1500000 (1.5 MB)`. */
export function formatByteSize(bytes: number): string {
  if (bytes < 1000) return String(bytes);
  const exponent = Math.min(Math.floor(Math.log10(bytes) / 3), UNITS.length - 1);
  const amount = Number((bytes / 1000 ** exponent).toPrecision(3));
  return `${String(bytes)} (${String(amount)} ${UNITS[exponent] ?? ''}B)`;
}
