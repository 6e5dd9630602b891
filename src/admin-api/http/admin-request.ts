import type { IncomingMessage } from 'node:http';
import type { RequestRecord } from '../../context/request-record';
import type { AdminCaller } from '../admin-caller.decorator';

/** What the admin plane knows of a request beyond what Express does. */
export interface AdminRequest {
  readonly record: RequestRecord;
  /** Undefined before the guard let the request in. */
  caller: AdminCaller | undefined;
}

const requests = new WeakMap<IncomingMessage, AdminRequest>();

/** Called by the dispatcher, before anything else sees the request. */
export function attachAdminRequest(message: IncomingMessage, request: AdminRequest): void {
  requests.set(message, request);
}

export function findAdminRequest(message: IncomingMessage): AdminRequest | undefined {
  return requests.get(message);
}

/** @throws Error for a request that did not come through the dispatcher of the admin plane */
export function adminRequestOf(message: IncomingMessage): AdminRequest {
  const request = requests.get(message);
  if (request === undefined) throw new Error('the request did not come through the admin plane');
  return request;
}
