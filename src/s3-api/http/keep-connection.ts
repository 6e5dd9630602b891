import type { Socket } from 'node:net';

/** It is we who let the connection wait: its time-out for silence begins anew. */
export function keepConnection(socket: Socket | null): void {
  socket?.setTimeout(socket.timeout ?? 0);
}
