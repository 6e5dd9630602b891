import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';

const KEEP_ALIVE_TIMEOUT_MS = 75_000;
const HEADERS_TIMEOUT_MS = 30_000;
const REQUEST_TIMEOUT_MS = 60_000;

/** The HTTP server of the admin plane: small requests only, so that Node's time limits fit. */
export function createAdminServer(listener: RequestListener): Server {
  const server = createServer({
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
  });
  return server.on('request', listener);
}
