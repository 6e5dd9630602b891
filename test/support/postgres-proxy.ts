import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { NetConnectOpts, Server, Socket } from 'node:net';
import { join } from 'node:path';

/** Stands between a gateway and its PostgreSQL, and takes it away and gives it back. */
export class PostgresProxy {
  private readonly sockets = new Set<Socket>();
  private isAway = false;

  private constructor(
    private readonly server: Server,
    /** For the gateway. */
    readonly url: string,
    target: NetConnectOpts,
  ) {
    server.on('connection', (client) => {
      if (this.isAway) {
        client.destroy();
        return;
      }
      const upstream = connect(target);
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        this.sockets.add(from);
        from.pipe(to);
        from.on('error', () => undefined);
        from.on('close', () => {
          this.sockets.delete(from);
          to.destroy();
        });
      }
    });
  }

  /** `databaseUrl`: of a server on a local socket or a port. */
  static async start(databaseUrl: string): Promise<PostgresProxy> {
    const url = new URL(databaseUrl);
    const folder = url.searchParams.get('host');
    const target: NetConnectOpts =
      folder === null ? { host: url.hostname, port: Number(url.port) } : { path: join(folder, `.s.PGSQL.${url.port}`) };
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
    url.searchParams.delete('host');
    url.hostname = '127.0.0.1';
    url.port = String(address.port);
    return new PostgresProxy(server, url.href, target);
  }

  /** Breaks all connections and refuses new ones. */
  takeAway(): void {
    this.isAway = true;
    for (const socket of this.sockets) socket.destroy();
  }

  giveBack(): void {
    this.isAway = false;
  }

  async stop(): Promise<void> {
    this.takeAway();
    this.server.close();
    await once(this.server, 'close');
  }
}
