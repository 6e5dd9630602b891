import { AdminProblem } from './admin-problem';

const MAX_CURSOR_CHARS = 4096;

/** The place in a list where the next page begins, as opaque text for `nextCursor`. `value` must survive JSON. */
export function encodeCursor(value: unknown): string {
  return Buffer.from(JSON.stringify(value), 'utf8').toString('base64url');
}

/**
 * What {@link encodeCursor} was given. A cursor comes from a client, who may have made it up: pass `isValid`, or check the
 * value before it goes anywhere.
 *
 * @throws AdminProblem 400 for anything that is no cursor of this list
 */
export function decodeCursor(text: string): unknown;
export function decodeCursor<T>(text: string, isValid: (value: unknown) => value is T): T;
export function decodeCursor(text: string, isValid: (value: unknown) => boolean = () => true): unknown {
  const value = parsed(text);
  if (value === undefined || !isValid(value)) {
    throw AdminProblem.badFields([{ field: 'cursor', message: 'cursor must be the nextCursor of an earlier answer' }]);
  }
  return value;
}

function parsed(text: string): unknown {
  if (text.length > MAX_CURSOR_CHARS) return undefined;
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
