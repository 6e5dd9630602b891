import type { IncomingMessage, ServerResponse } from 'node:http';
import { ExpressAdapter } from '@nestjs/platform-express';
import { S3_ROUTE_PREFIX } from '../s3-api/operations/s3-operation.decorator';

/** What Nest registers for a route: guards, interceptors and handler in one. */
type RouteHandler = (message: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => unknown;

/**
 * Keeps the routes of S3's operations apart from Express. The dispatcher knows the operation already, so looking it up among
 * a hundred patterns is of no use, and Express would change the prototype of each message, which makes every access to it
 * slower (docs/adr/0009). It also keeps the admin plane, which Express serves, from ever reaching an operation.
 */
export class PlanesAdapter extends ExpressAdapter {
  private readonly s3Routes = new Map<string, RouteHandler>();

  override all(...route: unknown[]): unknown {
    const [path, handler] = route;
    if (typeof path === 'string' && path.startsWith(S3_ROUTE_PREFIX) && isRouteHandler(handler)) {
      this.s3Routes.set(path, handler);
      return undefined;
    }
    return super.all(...(route as Parameters<ExpressAdapter['all']>));
  }

  /** Nest presets the status of every answer, and on the S3 plane that is no Express response. */
  override status(response: ServerResponse, statusCode: number): ServerResponse {
    response.statusCode = statusCode;
    return response;
  }

  /** Runs the operation to whose route the dispatcher has led `message`. */
  readonly serveS3 = (message: IncomingMessage, response: ServerResponse): void => {
    const handler = this.s3Routes.get(message.url ?? '');
    if (handler === undefined) throw new Error(`no operation has the route ${message.url ?? ''}`);
    // Nest only goes on to a next handler when there is none of its own to answer.
    handler(message, response, (error) => response.destroy(error instanceof Error ? error : undefined));
  };
}

function isRouteHandler(value: unknown): value is RouteHandler {
  return typeof value === 'function';
}
