import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { recyclePiece } from '../../context/piece-memory';

/**
 * Sends a body as fast as the client takes it, and ends the answer. Pieces that went out are recycled: after this nobody has them.
 *
 * A body that breaks, or closes before its end, breaks the connection; a client that goes away closes the body.
 */
export function sendBody(body: Readable, response: ServerResponse): void {
  body.on('data', (piece: Buffer) => {
    const hasRoom = response.write(piece, (error) => {
      // Otherwise the system may still be reading it.
      if (!error) recyclePiece(piece);
    });
    if (!hasRoom) body.pause();
  });
  response.on('drain', () => {
    body.resume();
  });
  body.on('end', () => {
    if (!response.destroyed) response.end();
  });
  body.on('error', (error) => {
    response.destroy(error);
  });
  body.on('close', () => {
    if (!body.readableEnded) response.destroy();
  });
  response.on('close', () => {
    body.destroy();
  });
}
