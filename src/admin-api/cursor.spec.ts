import { AdminProblem } from './admin-problem';
import { decodeCursor, encodeCursor } from './cursor';
import { pageOf } from './page';

const isText = (value: unknown): value is string => typeof value === 'string';

describe('a cursor', () => {
  it.each(['a', 'ä/?&=', 7, ['2026-01-01T00:00:00.000Z', 'id'], { a: null }])('brings %p back', (value) => {
    const text = encodeCursor(value);
    expect(text).toMatch(/^[\w-]+$/);
    expect(decodeCursor(text)).toEqual(value);
  });

  it.each(['', '!', 'e30', encodeCursor(1), 'x'.repeat(5000)])('of another making is refused: %p', (text) => {
    expect(() => decodeCursor(text, isText)).toThrow(AdminProblem);
  });
});

describe('a page', () => {
  const page = (rows: readonly number[]): unknown =>
    pageOf(
      rows,
      2,
      (row) => row,
      (row) => ({ row }),
    );

  it('names where the next one begins only when there is one', () => {
    expect(page([1, 2, 3])).toEqual({ items: [{ row: 1 }, { row: 2 }], nextCursor: encodeCursor(2) });
    expect(page([1, 2])).toEqual({ items: [{ row: 1 }, { row: 2 }] });
    expect(page([])).toEqual({ items: [] });
  });
});
