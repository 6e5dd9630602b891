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

/**
 * The body of an answer, with back-pressure down to the socket. It ends only when it had exactly the expected bytes, else it is
 * destroyed: with `Unavailable` when bytes are missing, `Corrupted` when they are others; the last ones are not handed on then.
 */
export class S3Body extends Readable {
  private receivedBytes = 0;
  private checksum = 0;
  private isComplete = false;

  constructor(
    private readonly expected: BodyExpectation,
    private readonly flow: BodyFlow,
  ) {
    super({ highWaterMark: 256 * 1024 });
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
    if (this.expected.crc32 !== undefined) this.checksum = crc32(chunk, this.checksum);
    // Whoever has all bytes takes them for good: the last ones are checked before they go on.
    if (this.receivedBytes === this.expected.sizeBytes && !this.isAsExpected()) this.destroyCorrupted();
    else if (!this.push(chunk)) this.flow.pause();
  }

  /** The backend's answer has ended. */
  finish(): void {
    this.isComplete = true;
    if (this.receivedBytes !== this.expected.sizeBytes) {
      this.destroy(new DriverError('Unavailable', 'the backend sent fewer bytes than it announced'));
    } else if (!this.isAsExpected()) {
      this.destroyCorrupted();
    } else {
      this.push(null);
    }
  }

  private isAsExpected(): boolean {
    return this.expected.crc32 === undefined || this.checksum === this.expected.crc32;
  }

  private destroyCorrupted(): void {
    this.destroy(new DriverError('Corrupted', 'the bytes of the backend do not have the checksum that it told'));
  }

  override _read(): void {
    this.flow.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (!this.isComplete) this.flow.cancel();
    callback(error);
  }
}
