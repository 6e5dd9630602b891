import { parseDurationMs } from './duration';

const DATE = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?)?$/;

/**
 * A time in ISO 8601 and UTC: of a date (midnight UTC), a time as `2030-01-31T12:00:00Z`, or a duration as `7d`, which is
 * counted from now backwards (`past`) or forwards (`future`).
 *
 * @throws RangeError for anything else
 */
export function parseTime(text: string, direction: 'past' | 'future', nowMs = Date.now()): string {
  const trimmed = text.trim();
  const time = DATE.test(trimmed) ? new Date(trimmed) : offsetTime(trimmed, direction, nowMs);
  if (time === undefined || Number.isNaN(time.getTime())) {
    throw new RangeError('wants a time as 2030-01-31, 2030-01-31T12:00:00Z, or a duration as 7d');
  }
  return time.toISOString();
}

function offsetTime(text: string, direction: 'past' | 'future', nowMs: number): Date | undefined {
  try {
    const offsetMs = parseDurationMs(text);
    return new Date(nowMs + (direction === 'past' ? -offsetMs : offsetMs));
  } catch {
    return undefined;
  }
}
