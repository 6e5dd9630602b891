import { formatByteSize } from '../values/byte-size';

const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;

/** A value of the API in a few words, on one line. What could steer a terminal is escaped. */
export function cell(value: unknown): string {
  if (value === undefined || value === null || value === '') return '-';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string')
    return plain(ISO_TIME.test(value) ? value.replace('T', ' ').replace(/\.\d+Z$/, 'Z') : value);
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.map(cell).join(', ');
  return plain(JSON.stringify(value));
}

/** The same for a number of bytes, which may come as text. */
export function bytesCell(value: unknown): string {
  const bytes = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof bytes === 'number' ? formatByteSize(bytes) : cell(value);
}

function plain(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
