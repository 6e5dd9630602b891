import { DriverError } from '../driver.errors';

/** A file or folder of a drive. */
export interface GraphItem {
  /** Empty in listings. */
  readonly id: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly modifiedAt: Date;
  readonly isFolder: boolean;
  /** Takes no token; good for about an hour. Undefined for folders and in listings. */
  readonly downloadUrl: string | undefined;
}

/** Undefined for what is no JSON. */
export function parsedJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

/** The value under these names, one within the other. */
export function valueAt(json: unknown, ...path: readonly string[]): unknown {
  let value = json;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = Reflect.get(value, name);
  }
  return value;
}

export function textAt(json: unknown, ...path: readonly string[]): string | undefined {
  const value = valueAt(json, ...path);
  return typeof value === 'string' ? value : undefined;
}

/** @throws DriverError `Unexpected` for what is no item */
export function itemOf(json: unknown): GraphItem {
  const name = textAt(json, 'name');
  const size = valueAt(json, 'size');
  if (name === undefined || typeof size !== 'number') throw new DriverError('Unexpected', 'the backend gave no item');
  const modifiedAt = new Date(textAt(json, 'lastModifiedDateTime') ?? Number.NaN);
  return {
    id: textAt(json, 'id') ?? '',
    name,
    sizeBytes: size,
    modifiedAt: Number.isNaN(modifiedAt.getTime()) ? new Date(0) : modifiedAt,
    isFolder: valueAt(json, 'folder') !== undefined,
    downloadUrl: textAt(json, '@microsoft.graph.downloadUrl'),
  };
}

/**
 * Where an upload session goes on: the first of `nextExpectedRanges`, such as `327680-` or `327680-999999`.
 *
 * @throws DriverError `Unexpected`
 */
export function nextPositionOf(json: unknown): number {
  const ranges = valueAt(json, 'nextExpectedRanges');
  const first: unknown = Array.isArray(ranges) ? ranges[0] : undefined;
  const start = typeof first === 'string' ? /^(\d{1,15})-/.exec(first)?.[1] : undefined;
  if (start === undefined) throw new DriverError('Unexpected', 'the backend does not say which bytes it expects');
  return Number(start);
}
