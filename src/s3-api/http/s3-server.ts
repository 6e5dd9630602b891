import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { createServer, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { errorDocument } from '../errors/error-document';
import { S3Error } from '../errors/s3-error';
import { SERVER_NAME } from './answer-headers';
import { expectContinue } from './continue';
import { isBodyUnread } from './failure-writer';
import { HOST_ID, newRequestId } from './request-ids';

/** S3 allows 8 KB of headers; presigned URLs with long keys and what proxies add need more. */
const MAX_HEADER_BYTES = 32 * 1024;
const HEADERS_TIMEOUT_MS = 60_000;
/** Load balancers keep connections for 60 s and must not find one closed just when they use it. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000;
const CONNECTION_CHECK_INTERVAL_MS = 10_000;
/** Long enough for a player that pauses, short enough to get rid of dead peers. */
const IDLE_TIMEOUT_MS = 300_000;
/** AWS waits about 20 s; SDKs give up at 60 s and are to see the answer. */
const BODY_IDLE_TIMEOUT_MS = 45_000;
/** How long a refused client may take to read why before its connection is cut. */
const REFUSAL_LINGER_MS = 1_000;

export interface S3ServerOptions {
  /** Milliseconds without a byte in either direction after which a connection is cut; 300,000 by default. */
  readonly idleTimeoutMs?: number;
  /** Milliseconds that a body may stall before its request is refused with `RequestTimeout`; 45,000 by default. */
  readonly bodyIdleTimeoutMs?: number;
  /** Milliseconds in which the headers of a request must have arrived; 60,000 by default. */
  readonly headersTimeoutMs?: number;
  /** Told of bytes that were no HTTP request and got `error` as answer. */
  readonly onMalformed?: (requestId: string, error: S3Error, remoteAddress: string | undefined) => void;
}

const ignore = (): void => undefined;

const LATEST = Symbol('latest exchange of the connection');

interface ExchangeSocket extends Socket {
  [LATEST]?: { readonly message: IncomingMessage; readonly response: ServerResponse };
}

/**
 * The HTTP server of the S3 plane. Malformed HTTP is answered with an S3 error document; `100 Continue` is left to the reader
 * of the body ({@link expectContinue}); uploads may take as long as bytes keep coming.
 */
export function createS3Server(listener: RequestListener, options: S3ServerOptions = {}): Server {
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    // A total time would kill long uploads; silence is what ends a request (`server.timeout`).
    requestTimeout: 0,
    headersTimeout: options.headersTimeoutMs ?? HEADERS_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    connectionsCheckingInterval: Math.min(CONNECTION_CHECK_INTERVAL_MS, options.headersTimeoutMs ?? HEADERS_TIMEOUT_MS),
    // Node would answer without a document; the dispatcher refuses a missing Host itself.
    requireHostHeader: false,
    noDelay: true,
  });
  server.timeout = options.idleTimeoutMs ?? IDLE_TIMEOUT_MS;
  // Node drops headers beyond a count without a word; their size is bounded already.
  server.maxHeadersCount = 0;
  const bodyIdleTimeoutMs = options.bodyIdleTimeoutMs ?? BODY_IDLE_TIMEOUT_MS;
  const accept: RequestListener = (message, response) => {
    const socket: ExchangeSocket = message.socket;
    socket[LATEST] = { message, response };
    if (isBodyUnread(message)) {
      message.setTimeout(bodyIdleTimeoutMs);
      // Fires instead once the body is in: an operation may work in silence for longer than a body may stall.
      response.on('timeout', ignore);
    }
    listener(message, response);
  };
  server.on('request', accept);
  server.on('checkContinue', (message: IncomingMessage, response: ServerResponse & { req: IncomingMessage }) => {
    expectContinue(message);
    accept(message, response);
  });
  // An expectation other than 100-continue may be ignored (RFC 9110, 10.1.1), as AWS does.
  server.on('checkExpectation', accept);
  server.on('clientError', (error: NodeJS.ErrnoException, socket: ExchangeSocket) => {
    refuseMalformed(error, socket, options.onMalformed);
  });
  return server;
}

function refuseMalformed(
  cause: NodeJS.ErrnoException,
  socket: ExchangeSocket,
  onMalformed: S3ServerOptions['onMalformed'],
): void {
  if (!socket.writable || socket.writableEnded) return;
  if (cause.code === 'ECONNRESET' || isAnswering(socket)) {
    socket.destroy();
    return;
  }
  const isInBody = socket[LATEST]?.message.complete === false;
  const error = new S3Error(isInBody ? 'IncompleteBody' : codeOf(cause), { cause });
  const requestId = newRequestId();
  // A request whose body broke has a record of its own.
  if (!isInBody) onMalformed?.(requestId, error, socket.remoteAddress);
  const body = errorDocument(error, requestId, undefined);
  socket.end(
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? ''}\r\n` +
      `x-amz-request-id: ${requestId}\r\nx-amz-id-2: ${HOST_ID}\r\nServer: ${SERVER_NAME}\r\nDate: ${new Date().toUTCString()}\r\n` +
      `Content-Type: application/xml\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
  socket.resume();
  setTimeout(() => socket.destroy(), REFUSAL_LINGER_MS).unref();
}

/**
 * An answer is on its way, or still to come for an earlier request of the connection: whatever were written now would be taken for
 * it. Only an error in the body of the latest request, unanswered yet, can be answered in its place.
 */
function isAnswering(socket: ExchangeSocket): boolean {
  const latest = socket[LATEST];
  if (latest === undefined || latest.response.writableFinished) return false;
  return latest.message.complete || latest.response.headersSent;
}

function codeOf(error: NodeJS.ErrnoException): 'RequestHeaderSectionTooLarge' | 'RequestTimeout' | 'BadRequest' {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return 'RequestHeaderSectionTooLarge';
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 'RequestTimeout';
    default:
      return 'BadRequest';
  }
}
