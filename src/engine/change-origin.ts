import type { OperationContext } from '../context/operation-context';

/**
 * Who asked for a change, for those who are told of it: operation, request id, address of the client and id of the user, with
 * spaces between, `-` for what is not known. Kept in the outbox; `s3-event.ts` reads it.
 */
export function originOf({ operation, requestId, remoteAddress = '-', principal }: OperationContext): string {
  return `${operation} ${requestId} ${remoteAddress} ${principal.kind === 'user' ? principal.userId : '-'}`;
}
