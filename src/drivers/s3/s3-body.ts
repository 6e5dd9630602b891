import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { DriverError } from '../driver.errors';

/** What a body has to do with its connection. */
export interface BodyFlow {
  /** The consumer is slow: no more for now. */
  pause(): void;
  /** The consumer wants more. */
  resume(): void;
  /** The consumer went away before the end. */
  cancel(): void;
}

export interface BodyExpectation {
  readonly sizeBytes: number;
  /** CRC32 of all bytes, where the backend told it. */
  readonly crc32: number | undefined;
}

/** Bodies up to this are handed on when they have come whole, so that another copy can be read in place of a corrupt one. */
const HELD_BYTES = 256 * 1024;

/**
 * The body of an answer, with back-pressure down to the socket. It ends only when it had exactly the expected bytes, else it is
 * destroyed: with `Unavailable` when bytes are missing, `Corrupted` when they are others. Then the last of them were not handed on,
 * of a body of up to 256 KiB none: a client that has all of a body takes it for right.
 */
export class S3Body extends Readable {
  private held: Buffer[] | undefined;
  private receivedBytes = 0;
  private checksum = 0;
  private isComplete = false;

  constructor(
    private readonly expected: BodyExpectation,
    private readonly flow: BodyFlow,
  ) {
    super({ highWaterMark: HELD_BYTES });
    if (expected.crc32 !== undefined && expected.sizeBytes <= HELD_BYTES) this.held = [];
    // An abort may come before the caller listens; unheard it would end the process.
    this.on('error', () => undefined);
  }

  /** Bytes of the backend. */
  receive(chunk: Buffer): void {
    this.receivedBytes += chunk.length;
    if (this.receivedBytes > this.expected.sizeBytes) {
      this.destroy(new DriverError('Corrupted', 'the backend sent more bytes than it announced'));
      return;
    }
    const isWhole = this.receivedBytes === this.expected.sizeBytes;
    if (this.expected.crc32 !== undefined) {
      this.checksum = crc32(chunk, this.checksum);
      if (isWhole && this.checksum !== this.expected.crc32) {
        this.destroy(new DriverError('Corrupted', 'the bytes of the backend do not have the checksum that it told'));
        return;
      }
    }
    if (this.held === undefined) {
      if (!this.push(chunk)) this.flow.pause();
      return;
    }
    this.held.push(chunk);
    if (!isWhole) return;
    for (const piece of this.held) this.push(piece);
    this.held = undefined;
  }

  /** The backend's answer has ended. */
  finish(): void {
    this.isComplete = true;
    if (this.receivedBytes !== this.expected.sizeBytes) {
      this.destroy(new DriverError('Unavailable', 'the backend sent fewer bytes than it announced'));
    } else {
      this.push(null);
    }
  }

  override _read(): void {
    this.flow.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (!this.isComplete) this.flow.cancel();
    callback(error);
  }
}
