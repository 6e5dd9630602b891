import { read } from 'node:fs';
import { Readable } from 'node:stream';
import { takePiece } from '../../context/piece-memory';
import { abortedError } from '../abort-scope';
import type { ByteSpan } from '../byte-range';
import { DriverError } from '../driver.errors';
import { closeLater } from './file-io';
import { localError } from './local-errors';

/**
 * Size of one read, in bytes. From the page cache, pieces of 64 KiB come half as fast and of 4 MiB one and a half times as
 * fast; but two of them wait for every slow client.
 */
const PIECE_BYTES = 256 * 1024;

/**
 * A span of an open file. Owns the descriptor: it is closed at the end, on destroy, on abort and on error, though never under
 * a read that is still running.
 */
export class BlobFileStream extends Readable {
  private position: number;
  private isReading = false;
  private closeWhenRead: (() => void) | undefined;

  constructor(
    private readonly fd: number,
    private readonly span: ByteSpan,
    private readonly signal: AbortSignal,
  ) {
    super({ highWaterMark: 2 * PIECE_BYTES });
    this.position = span.start;
    signal.addEventListener('abort', this.onAbort, { once: true });
    // An abort may come before the caller listens; unheard it would end the process.
    this.on('error', () => undefined);
    if (signal.aborted) this.onAbort();
  }

  override _read(): void {
    const lengthBytes = Math.min(PIECE_BYTES, this.span.endExclusive - this.position);
    if (lengthBytes <= 0) {
      this.push(null);
      return;
    }
    this.isReading = true;
    read(this.fd, takePiece(lengthBytes), 0, lengthBytes, this.position, this.onPiece);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.signal.removeEventListener('abort', this.onAbort);
    const finish = (): void => {
      closeLater(this.fd);
      done(error);
    };
    if (this.isReading) this.closeWhenRead = finish;
    else finish();
  }

  private readonly onPiece = (error: NodeJS.ErrnoException | null, readBytes: number, piece: Buffer): void => {
    this.isReading = false;
    if (this.closeWhenRead !== undefined) {
      this.closeWhenRead();
      return;
    }
    if (error !== null) {
      this.destroy(localError(error));
      return;
    }
    if (readBytes === 0) {
      this.destroy(new DriverError('Corrupted', 'the file is shorter than it was when it was opened'));
      return;
    }
    this.position += readBytes;
    this.push(readBytes === piece.length ? piece : piece.subarray(0, readBytes));
    // Told at once, which spares the consumer one more turn.
    if (this.position === this.span.endExclusive) this.push(null);
  };

  private readonly onAbort = (): void => {
    this.destroy(abortedError(this.signal));
  };
}
