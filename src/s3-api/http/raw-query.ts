import { percentDecode } from './percent-decoding';
import type { QueryParameters } from './s3-request';

type Entry = readonly [name: string, value: string];

/** Parameters of a query as the client sent them. A repeated name keeps all entries; `get` answers the first. */
export class RawQuery implements QueryParameters {
  static readonly EMPTY: QueryParameters = new RawQuery([]);

  private constructor(private readonly parameters: readonly Entry[]) {}

  /** Throws `InvalidURI` for broken percent-encoding. */
  static parse(rawQuery: string): QueryParameters {
    if (rawQuery === '') return RawQuery.EMPTY;
    const parameters: Entry[] = [];
    let start = 0;
    while (start <= rawQuery.length) {
      let end = rawQuery.indexOf('&', start);
      if (end === -1) end = rawQuery.length;
      if (end > start) parameters.push(parseEntry(rawQuery, start, end));
      start = end + 1;
    }
    return new RawQuery(parameters);
  }

  get(name: string): string | undefined {
    for (const entry of this.parameters) if (entry[0] === name) return entry[1];
    return undefined;
  }

  has(name: string): boolean {
    for (const entry of this.parameters) if (entry[0] === name) return true;
    return false;
  }

  entries(): readonly Entry[] {
    return this.parameters;
  }
}

function parseEntry(rawQuery: string, start: number, end: number): Entry {
  const equals = rawQuery.indexOf('=', start);
  if (equals === -1 || equals >= end) return [percentDecode(rawQuery.slice(start, end)), ''];
  return [percentDecode(rawQuery.slice(start, equals)), percentDecode(rawQuery.slice(equals + 1, end))];
}
