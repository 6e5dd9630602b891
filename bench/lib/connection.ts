import { connect, type Socket } from 'node:net';
import { ResponseReader, type ReadResponse } from './response-reader.ts';

/** One request as it goes over the wire: a finished head, and the pieces of its body in order. */
export interface WireRequest {
  readonly head: Buffer | string;
  readonly body: readonly Buffer[];
  readonly isHead: boolean;
  readonly keepsBody: boolean;
}

interface Waiter {
  readonly resolve: (response: ReadResponse) => void;
  readonly reject: (error: Error) => void;
}

const RECEIVE_BUFFER_BYTES = 256 * 1024;
/** A server that says nothing for this long is counted as an error. */
const SILENCE_MS = 60_000;

/**
 * A keep-alive HTTP/1.1 connection with one request at a time, straight on a socket: no agent, no header objects, one receive
 * buffer for its life. It opens itself when needed and again after the server closed it.
 */
export class Connection {
  private readonly host: string;
  private readonly port: number;
  private readonly reader = new ResponseReader();
  private readonly receiveBuffer = Buffer.allocUnsafeSlow(RECEIVE_BUFFER_BYTES);
  private socket: Socket | undefined;
  private waiter: Waiter | undefined;
  private isUploading = false;

  constructor(host: string, port: number) {
    this.host = host;
    this.port = port;
  }

  /** Sends a request and reads its whole answer. Rejects when the connection breaks or stays silent. */
  request(request: WireRequest): Promise<ReadResponse> {
    return new Promise((resolve, reject) => {
      this.waiter = { resolve, reject };
      this.reader.begin(request.isHead, request.keepsBody);
      const socket = this.socket ?? this.open();
      if (request.body.length <= 1) {
        socket.cork();
        socket.write(request.head);
        for (const piece of request.body) socket.write(piece);
        socket.uncork();
        return;
      }
      socket.write(request.head);
      this.isUploading = true;
      this.upload(socket, request.body, 0);
    });
  }

  close(): void {
    this.socket?.destroy();
    this.socket = undefined;
  }

  private upload(socket: Socket, body: readonly Buffer[], from: number): void {
    for (let index = from; index < body.length; index++) {
      if (socket !== this.socket) return;
      const piece = body[index];
      if (piece !== undefined && !socket.write(piece) && index + 1 < body.length) {
        socket.once('drain', () => {
          this.upload(socket, body, index + 1);
        });
        return;
      }
    }
    this.isUploading = false;
  }

  private open(): Socket {
    const socket = connect({
      host: this.host,
      port: this.port,
      noDelay: true,
      onread: {
        buffer: this.receiveBuffer,
        callback: (length, buffer) => {
          this.receive(socket, Buffer.from(buffer.buffer, buffer.byteOffset, length));
          return true;
        },
      },
    });
    socket.setTimeout(SILENCE_MS, () => socket.destroy(new Error('the server stays silent')));
    socket.on('error', (error) => {
      this.fail(socket, error);
    });
    socket.on('close', () => {
      const last = socket === this.socket ? this.reader.end() : undefined;
      if (last === undefined) this.fail(socket, new Error('the server closed the connection'));
      else this.settle(socket, last);
    });
    this.socket = socket;
    return socket;
  }

  private receive(socket: Socket, piece: Buffer): void {
    if (socket !== this.socket || this.waiter === undefined) return;
    try {
      const response = this.reader.push(piece);
      if (response !== undefined) this.settle(socket, response);
    } catch (error) {
      this.fail(socket, error instanceof Error ? error : new Error(String(error)));
    }
  }

  private settle(socket: Socket, response: ReadResponse): void {
    if (response.mustClose || this.isUploading) this.drop(socket);
    const waiter = this.waiter;
    this.waiter = undefined;
    waiter?.resolve(response);
  }

  private fail(socket: Socket, error: Error): void {
    if (socket !== this.socket) return;
    this.drop(socket);
    const waiter = this.waiter;
    this.waiter = undefined;
    waiter?.reject(error);
  }

  private drop(socket: Socket): void {
    this.isUploading = false;
    this.socket = undefined;
    socket.destroy();
  }
}
