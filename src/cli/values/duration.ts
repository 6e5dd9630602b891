const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};
const DURATION = /^(?:\d{1,9}[smhdw])+$/i;
/** As long as a JavaScript date reaches. */
const MAX_DURATION_MS = 8_640_000_000_000_000;

/**
 * Milliseconds of `90s`, `15m`, `12h`, `30d`, `2w` or several together as `1h30m`.
 *
 * @throws RangeError for anything else
 */
export function parseDurationMs(text: string): number {
  const trimmed = text.trim().toLowerCase();
  const parts = DURATION.test(trimmed) ? (trimmed.match(/\d+[smhdw]/g) ?? []) : [];
  const durationMs = parts.reduce((sum, part) => sum + Number(part.slice(0, -1)) * (UNIT_MS[part.slice(-1)] ?? 0), 0);
  if (parts.length === 0 || durationMs > MAX_DURATION_MS) {
    throw new RangeError('wants a duration as 90s, 15m, 12h, 30d or 2w');
  }
  return durationMs;
}
