import { cell } from './cell';

/** A column of a table. */
export interface Column {
  readonly title: string;
  /** Path of the value in each row: names with dots in between. */
  readonly path: string;
  /** Default: {@link cell}. */
  readonly format?: (value: unknown) => string;
}

const GAP = '  ';

/** Rows below a line of titles; `nothing` where there are none. */
export function table(rows: readonly unknown[], columns: readonly Column[], nothing: string): string {
  if (rows.length === 0) return nothing;
  return grid([
    columns.map(({ title }) => title.toUpperCase()),
    ...rows.map((row) => columns.map(({ path, format = cell }) => format(valueAt(row, path)))),
  ]);
}

/** Lines whose cells stand below each other. */
export function grid(lines: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const line of lines) {
    line.forEach((text, index) => (widths[index] = Math.max(widths[index] ?? 0, text.length)));
  }
  return lines
    .map((line) =>
      line
        .map((text, index) => text.padEnd(widths[index] ?? 0))
        .join(GAP)
        .trimEnd(),
    )
    .join('\n');
}

/** What stands at `path` (names with dots in between), or undefined. */
export function valueAt(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((inner, name) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return undefined;
    return Object.entries(inner).find(([key]) => key === name)?.[1];
  }, value);
}
