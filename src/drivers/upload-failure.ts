import { DriverError } from './driver.errors';

/** What a source threw, or that its length was not the announced one: told to the caller as it is, also at an abort. */
export function isOfSource(error: unknown): boolean {
  return !(error instanceof DriverError) || error.kind === 'Corrupted';
}

/** What else goes wrong with an upload whose `signal` has aborted. */
export function toAborted(error: unknown, signal: AbortSignal): unknown {
  if (error instanceof DriverError && error.kind === 'Aborted') return error;
  return new DriverError('Aborted', 'the operation was aborted', { cause: signal.reason });
}
