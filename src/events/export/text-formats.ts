import type { EventValues } from '../query/event-fields';
import { EVENT_FIELDS } from '../query/event-fields';

type Pages = AsyncIterable<readonly EventValues[]>;

/** One JSON object per line. Fields that are not known are null. */
export async function* toNdjson(pages: Pages): AsyncGenerator<Buffer, void, undefined> {
  for await (const page of pages) {
    let text = '';
    for (const values of page) {
      text += `${JSON.stringify(Object.fromEntries(EVENT_FIELDS.map(({ name }, at) => [name, values[at]])))}\n`;
    }
    yield Buffer.from(text);
  }
}

/** What spreadsheets take for the beginning of a formula (OWASP, "CSV Injection"). */
const FORMULA = /^[=+\-@\t\r]/;
const QUOTED = /[",\r\n]/;

/**
 * RFC 4180: CRLF, a header, quotes where needed. Fields that are not known are empty. A text that a spreadsheet would run as a formula
 * has an apostrophe before it, since keys are what clients make of them.
 */
export async function* toCsv(pages: Pages): AsyncGenerator<Buffer, void, undefined> {
  yield Buffer.from(`${EVENT_FIELDS.map(({ name }) => name).join(',')}\r\n`);
  for await (const page of pages) {
    let text = '';
    for (const values of page) text += `${values.map(csvField).join(',')}\r\n`;
    yield Buffer.from(text);
  }
}

function csvField(value: EventValues[number]): string {
  if (value === null) return '';
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'number') return String(value);
  const harmless = FORMULA.test(value) ? `'${value}` : value;
  return QUOTED.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
