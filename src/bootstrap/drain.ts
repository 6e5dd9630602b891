import type { Server } from 'node:http';

/** How long requests in flight may take to finish once the gateway is asked to stop. */
export const DRAIN_TIMEOUT_MS = 30_000;
const IDLE_CHECK_MS = 50;

/**
 * Closes a server gently: no new connections, connections without a request are closed, and so is each of the others as soon as
 * its request is answered. What is not done after {@link DRAIN_TIMEOUT_MS} is cut off.
 */
export async function drain(server: Server, timeoutMs: number = DRAIN_TIMEOUT_MS): Promise<void> {
  if (!server.listening) return;
  // Clients that keep a connection busy are told to leave with the next answer.
  server.prependListener('request', (_message, response) => {
    response.shouldKeepAlive = false;
  });
  const idleCheck = setInterval(() => {
    server.closeIdleConnections();
  }, IDLE_CHECK_MS);
  const cutOff = setTimeout(() => {
    server.closeAllConnections();
  }, timeoutMs);
  await new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
  clearInterval(idleCheck);
  clearTimeout(cutOff);
}
