import { DriverError } from '../../drivers/driver.errors';
import type { DriverErrorKind } from '../../drivers/driver.errors';

/** What all copies agree on is said as it is. */
const PLAIN: ReadonlySet<DriverErrorKind> = new Set<DriverErrorKind>([
  'NoSpace',
  'TooLarge',
  'RateLimited',
  'Unsupported',
  'Archived',
]);
/** A copy that is not there, or not whole. */
const LOST: ReadonlySet<DriverErrorKind> = new Set<DriverErrorKind>(['NotFound', 'Corrupted', 'RangeNotSatisfiable']);

/**
 * One error for a blob that no driver could take or give. Where all agree, theirs; where some were away, `Unavailable`, with the
 * longest wait that one of them asked for: a copy that is lost while another is out of reach is not a loss yet.
 */
export function combinedError(what: 'read' | 'write', errors: readonly unknown[]): Error {
  const failures = errors.filter((error) => error instanceof DriverError);
  const [first] = failures;
  const isAgreed = first !== undefined && PLAIN.has(first.kind) && failures.every(({ kind }) => kind === first.kind);
  const isLost = what === 'read' && first !== undefined && failures.every(({ kind }) => LOST.has(kind));
  if (failures.length === errors.length && (isAgreed || isLost)) return first;
  const waits = failures.map(({ retryAfterSeconds }) => retryAfterSeconds ?? 0);
  const wait = Math.max(0, ...waits);
  return new DriverError('Unavailable', `no driver could ${what} the blob now`, {
    cause: errors.length === 1 ? errors[0] : new AggregateError(errors),
    ...(wait === 0 ? {} : { retryAfterSeconds: wait }),
  });
}

/** Whether the copy that answered so has to be made again, and why. */
export function lossOf(error: unknown): 'missing' | 'corrupt' | undefined {
  if (!(error instanceof DriverError) || !LOST.has(error.kind)) return undefined;
  return error.kind === 'NotFound' ? 'missing' : 'corrupt';
}
