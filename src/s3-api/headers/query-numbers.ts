import type { QueryParameters } from '../http/s3-request';
import { invalidArgument } from './request-header';

const MAX_INT32 = 2_147_483_647;

/**
 * A number such as `max-keys`: `largest` when absent, empty or larger, as S3 answers. Throws `InvalidArgument` for what is
 * no integer from 0 to 2^31-1.
 */
export function pageSize(query: QueryParameters, name: string, largest: number): number {
  return pageSizeOf(query.get(name), name, largest);
}

/** As {@link pageSize}, of a text from elsewhere (a header). */
export function pageSizeOf(text: string | undefined, name: string, largest: number): number {
  if (text === undefined || text === '') return largest;
  return Math.min(parseInt32(text, name), largest);
}

/** A marker that is a number (`part-number-marker`); 0 when absent. Throws `InvalidArgument`. */
export function numberMarker(text: string | undefined, name: string): number {
  return text === undefined || text === '' ? 0 : parseInt32(text, name);
}

function parseInt32(text: string, name: string): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= MAX_INT32)) {
    throw invalidArgument(`Provided ${name} not an integer or within integer range`, name, text);
  }
  return value;
}
