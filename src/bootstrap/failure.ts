import { StartUpError } from '../config/start-up.error';

/**
 * What the operator is told of a start that failed: a line for each thing to put right, and a stack trace only for what
 * nobody foresaw.
 */
export function failureText(error: unknown): string {
  if (error instanceof StartUpError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
