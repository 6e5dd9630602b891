import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestRecord } from '../../context/request-record';
import { errorDocument } from '../errors/error-document';
import type { S3Error } from '../errors/s3-error';
import { answerHeaders } from './answer-headers';
import { isAwaitingContinue } from './continue';

/** What of an unread body is taken in before the connection is closed, so that a client that still sends gets to read the answer. */
const LINGER_MAX_BYTES = 1024 * 1024;
const LINGER_MS = 2_000;

/** Stands in the event log for the error of a request whose client left before it was answered; never sent. */
const CLIENT_DISCONNECTED = 'ClientDisconnected';

/** What is known of a request when it fails, perhaps before it was resolved. */
export interface FailedRequest {
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  readonly record: RequestRecord;
  /** Path of the request as the client sent it, for `Resource`. */
  readonly rawPath: string | undefined;
}

/**
 * The one way a refusal leaves the S3 plane. Once a part of an answer is out, only breaking the connection can tell the
 * client that it is not whole.
 */
export function writeFailure(request: FailedRequest, error: S3Error): void {
  writeRefusal(request, error, () => errorDocument(error, request.record.requestId, request.rawPath));
}

/** What a refusal says besides its document. */
export interface Refusal {
  readonly code: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** The same with a document in another API's shape; `document` is asked for it where one is sent. */
export function writeRefusal(
  { message, response, record }: Omit<FailedRequest, 'rawPath'>,
  error: Refusal,
  document: () => string,
): void {
  if (isClientGone({ message })) {
    record.errorCode ??= CLIENT_DISCONNECTED;
    response.destroy();
    return;
  }
  record.errorCode = error.code === 'NotModified' ? undefined : error.code;
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  record.status = error.status;
  const hasUnreadBody = isBodyUnread(message);
  const headers = answerHeaders(record.requestId, error.headers);
  if (hasUnreadBody) headers.connection = 'close';
  const body = hasDocument(message, error) ? Buffer.from(document()) : undefined;
  if (body !== undefined) {
    headers['content-type'] = 'application/xml';
    headers['content-length'] = body.length;
    record.bytesOut = body.length;
  }
  response.writeHead(error.status, headers);
  record.firstByteClockMs = performance.now();
  if (hasUnreadBody && !isAwaitingContinue(message)) {
    if (body === undefined) response.flushHeaders();
    else response.write(body);
    endAfterLingering(message, response);
  } else response.end(body);
}

/** Nobody is there to be answered, and whatever failed thereupon is no fault of the gateway's. */
export function isClientGone({ message }: Pick<FailedRequest, 'message'>): boolean {
  return message.socket.destroyed || !message.socket.writable;
}

/** The client announced a body that has not arrived in full. */
export function isBodyUnread(message: IncomingMessage): boolean {
  if (message.complete) return false;
  const length = message.headers['content-length'];
  return message.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

function hasDocument(message: IncomingMessage, error: Refusal): boolean {
  return message.method !== 'HEAD' && error.status !== 304;
}

/**
 * Ending the answer closes the connection, and closing it over bytes that nobody took in resets it, which can cost the client
 * the answer. So a bounded amount of the body is taken in first.
 */
function endAfterLingering(message: IncomingMessage, response: ServerResponse): void {
  let left = LINGER_MAX_BYTES;
  const end = (): void => {
    clearTimeout(timer);
    message.off('data', take).off('end', end).off('close', end);
    if (!response.writableEnded) response.end();
  };
  const take = (chunk: Buffer): void => {
    left -= chunk.length;
    if (left <= 0) end();
  };
  const timer = setTimeout(end, LINGER_MS);
  message.on('data', take).on('end', end).on('close', end).on('error', end);
  message.resume();
}
