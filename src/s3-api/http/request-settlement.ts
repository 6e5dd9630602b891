import type { Socket } from 'node:net';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestRecord } from '../../context/request-record';

/** Listeners for the end of connections on which answers wait behind others (pipelining): Node never closes those answers. */
const queued = new WeakMap<Socket, Set<() => void>>();

/** Calls `settle` once, when the response closed, sent or not. */
export function onResponseClosed(message: IncomingMessage, response: ServerResponse, settle: () => void): void {
  if (response.socket !== null) {
    response.on('close', settle);
    return;
  }
  const waiting = queueOf(message.socket);
  waiting.add(settle);
  response.on('close', () => {
    if (waiting.delete(settle)) settle();
  });
}

function queueOf(socket: Socket): Set<() => void> {
  const known = queued.get(socket);
  if (known !== undefined) return known;
  const waiting = new Set<() => void>();
  queued.set(socket, waiting);
  socket.once('close', () => {
    for (const settle of waiting) {
      waiting.delete(settle);
      settle();
    }
  });
  return waiting;
}

/**
 * Fills in what only the end of a request shows: bytes that came in (unless the reader of the body counted them) and how
 * much of the answer really left.
 *
 * @param bytesReadBefore what the socket had read when the request's headers were in
 */
export function measure(
  record: RequestRecord,
  message: IncomingMessage,
  response: ServerResponse,
  bytesReadBefore: number,
): void {
  if (record.bytesIn === 0) {
    const length = message.headers['content-length'];
    if (message.complete && length !== undefined) record.bytesIn = Number(length);
    else if (!message.complete || message.headers['transfer-encoding'] !== undefined) {
      record.bytesIn = Math.max(0, message.socket.bytesRead - bytesReadBefore);
    }
  }
  if (!response.writableFinished) {
    record.bytesOut = Math.max(0, record.bytesOut - response.writableLength);
    if (!response.headersSent) record.status = CLIENT_GONE_STATUS;
  }
}

/** What access logs commonly note for a client that left before the answer; never sent. */
const CLIENT_GONE_STATUS = 499;
