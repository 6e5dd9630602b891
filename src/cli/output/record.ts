import { bytesCell, cell } from './cell';
import { grid } from './table';

const MAX_DEPTH = 5;
/** Names of numbers that count bytes, but not of those that hold them (`bytes: {hard, soft}` is gone into). */
const COUNTS_BYTES = /bytes/i;

/** One line for each value of an object, those of inner objects under names with dots in between. */
export function record(value: unknown): string {
  const lines = [...linesOf(value, [], 0)];
  return lines.length === 0 ? '-' : grid(lines);
}

function* linesOf(value: unknown, path: readonly string[], depth: number): Generator<readonly [string, string]> {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const entries = isObject ? Object.entries(value) : [];
  if (entries.length === 0 || depth > MAX_DEPTH) {
    const format = path.some((name) => COUNTS_BYTES.test(name)) ? bytesCell : cell;
    if (path.length > 0) yield [path.join('.'), isObject ? '-' : format(value)];
    return;
  }
  for (const [name, inner] of entries) yield* linesOf(inner, [...path, name], depth + 1);
}
