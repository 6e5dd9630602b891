import { eventId } from '../context/event-id';
import type { OperationContext } from '../context/operation-context';

/**
 * Who asked for a change, for those who are told of it: operation, request id, address of the client and id of the user, with
 * spaces between, `-` for what is not known. Of a request that has a row in the event log, its access key and the id of that row follow.
 * Kept in the outbox, which `s3-event.ts` reads, and in the journal of changes.
 */
export function originOf({
  operation,
  requestId,
  startedAtMs,
  remoteAddress = '-',
  principal,
}: OperationContext): string {
  if (principal.kind !== 'user') return `${operation} ${requestId} ${remoteAddress} -`;
  const origin = `${operation} ${requestId} ${remoteAddress} ${principal.userId}`;
  return startedAtMs === undefined ? origin : `${origin} ${principal.accessKeyId} ${eventId(startedAtMs, requestId)}`;
}
