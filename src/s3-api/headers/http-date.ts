const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

const IMF_FIXDATE = /^[A-Z][a-z]{2}, (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/;
const RFC850 = /^[A-Z][a-z]+, (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) GMT$/;
const ASCTIME = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/;

/**
 * An HTTP date in any of the three forms of RFC 9110 section 5.6.7, or in ISO 8601, which S3 takes as well.
 * Undefined when it is none: RFC 9110 has a recipient ignore a condition whose date is invalid.
 */
export function parseHttpDate(text: string): Date | undefined {
  const fixed = IMF_FIXDATE.exec(text);
  if (fixed !== null) return utc(fixed[3], fixed[2], fixed[1], fixed[4], fixed[5], fixed[6]);
  const old = RFC850.exec(text);
  if (old !== null) return utc(century(old[3]), old[2], old[1], old[4], old[5], old[6]);
  const asctime = ASCTIME.exec(text);
  if (asctime !== null) return utc(asctime[6], asctime[1], asctime[2], asctime[3], asctime[4], asctime[5]);
  return parseIsoDate(text);
}

const ISO = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;

function parseIsoDate(text: string): Date | undefined {
  if (!ISO.test(text)) return undefined;
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** Two digits of RFC 850: a year that would lie more than 50 years ahead is of the past century. */
function century(twoDigits = '0'): string {
  const now = new Date().getUTCFullYear();
  const year = now - (now % 100) + Number(twoDigits);
  return String(year > now + 50 ? year - 100 : year);
}

function utc(year = '', month = '', day = '', hours = '', minutes = '', seconds = ''): Date | undefined {
  const monthIndex = MONTHS.indexOf(month);
  if (monthIndex < 0 || Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 60) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), monthIndex, Number(day));
  if (date.getUTCMonth() !== monthIndex || Number(day) < 1) return undefined;
  date.setUTCHours(Number(hours), Number(minutes), Number(seconds));
  return date;
}
