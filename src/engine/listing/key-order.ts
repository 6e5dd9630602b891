const LAST_CODE_POINT = 0x10ffff;

/** Above every valid key: keys have at most 1,024 bytes, this has more of the greatest code point there is. */
export const ABOVE_ALL_KEYS = String.fromCodePoint(LAST_CODE_POINT).repeat(257);

/**
 * The least string above every string that begins with `prefix`, in UTF-8 byte order (which is code point order).
 * Keys with the prefix are exactly those from `prefix` up to, but not including, the result.
 */
export function prefixSuccessor(prefix: string): string {
  const codePoints = Array.from(prefix);
  for (let last = codePoints.pop(); last !== undefined; last = codePoints.pop()) {
    const code = last.codePointAt(0) ?? LAST_CODE_POINT;
    if (code < LAST_CODE_POINT) {
      // Surrogates are no code points of their own.
      return codePoints.join('') + String.fromCodePoint(code === 0xd7ff ? 0xe000 : code + 1);
    }
  }
  return ABOVE_ALL_KEYS;
}

/** Compares in UTF-8 byte order, as PostgreSQL's "C" collation and S3 do; JavaScript's `<` compares UTF-16 units. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
