import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect } from 'node:net';

export interface WireResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A TCP connection on which a test says exactly what it wants to say. Text is latin1 both ways. */
export class RawConnection {
  private received = '';
  private readonly closed: Promise<unknown>;
  private changed = Promise.withResolvers<undefined>();

  private constructor(private readonly socket: Socket) {
    socket.setEncoding('latin1');
    socket.setNoDelay(true);
    socket.on('data', (chunk: string) => {
      this.received += chunk;
      this.change();
    });
    socket.on('error', () => undefined);
    socket.on('end', () => {
      this.change();
    });
    this.closed = once(socket, 'close').then(() => {
      this.change();
    });
  }

  static async open(endpoint: string): Promise<RawConnection> {
    const { hostname, port } = new URL(endpoint);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    return new RawConnection(socket);
  }

  write(text: string): void {
    if (!this.socket.destroyed) this.socket.write(text, 'latin1');
  }

  /** Ends this side of the connection; the other may still be read. */
  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** All that came and was not taken by {@link response} yet. */
  get pending(): string {
    return this.received;
  }

  /** The next response, without a body for a HEAD or a status that has none. Rejects when the connection ends before. */
  async response(method = 'GET'): Promise<WireResponse> {
    for (;;) {
      const parsed = parseResponse(this.received, method);
      if (parsed !== undefined) {
        this.received = this.received.slice(parsed.lengthBytes);
        return parsed.response;
      }
      if (this.socket.destroyed || this.socket.readableEnded) {
        throw new Error(`The connection ended after: ${this.received.slice(0, 500)}`);
      }
      await this.changed.promise;
    }
  }

  /** Resolves when the server has closed the connection. */
  async untilClosed(): Promise<void> {
    await this.closed;
  }

  private change(): void {
    this.changed.resolve(undefined);
    this.changed = Promise.withResolvers();
  }
}

function parseResponse(text: string, method: string): { response: WireResponse; lengthBytes: number } | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd === -1) return undefined;
  const [statusLine = '', ...lines] = text.slice(0, headEnd).split('\r\n');
  const status = Number(statusLine.split(' ')[1]);
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  const hasBody = method !== 'HEAD' && status >= 200 && status !== 204 && status !== 304;
  const bodyStart = headEnd + 4;
  const lengthBytes = bodyStart + (hasBody ? Number(headers['content-length'] ?? 0) : 0);
  if (text.length < lengthBytes) return undefined;
  return { response: { status, headers, body: text.slice(bodyStart, lengthBytes) }, lengthBytes };
}
