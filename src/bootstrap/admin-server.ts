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

/** Hides the routes of S3's operations, which share the router, from the admin plane. */
export function adminListener(router: RequestListener): RequestListener {
  return (message, response) => {
    if (isS3Route(message.url ?? '')) {
      response.writeHead(404, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ statusCode: 404, message: 'Not Found' }));
      return;
    }
    router(message, response);
  };
}

/** The router decodes percent-encoding and ignores case and repeated slashes before it compares; so does this. */
function isS3Route(url: string): boolean {
  const path = url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '');
  try {
    return /^\/*_s3(\/|\?|$)/i.test(decodeURIComponent(path.split('?', 1).join('')));
  } catch {
    return true;
  }
}
