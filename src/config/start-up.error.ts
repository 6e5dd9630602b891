/**
 * Something the operator has to put right before the gateway can start. Each line of `message` is for them: it says what is
 * wrong and what to do, and never holds a secret. The start-up prints it without a stack trace and exits with 1.
 */
export class StartUpError extends Error {
  override readonly name = 'StartUpError';
}

/** `EACCES`, `ENOSPC`, ... of a system error, else its message; for one-line explanations. */
export function reasonOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return String(error);
  if ('code' in error && typeof error.code === 'string') return error.code;
  return 'message' in error && typeof error.message === 'string' ? error.message : 'unknown error';
}
