import type { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { DriverError } from '../../drivers/driver.errors';
import type { BodyCheck } from '../../drivers/resuming-body';
import { createDigest } from '../blobs/digests';

/** What the copy that a body ends with is, read from its beginning. */
export interface WholeCopy {
  readonly md5: Buffer;
  /** CRC-32 of its beginning up to each of the positions that were asked for. */
  readonly checksums: readonly number[];
}

/** Reads a copy whole and digests it. `positions`: ascending, in bytes. */
export type ReadWhole = (driver: string, positions: readonly number[]) => Promise<WholeCopy>;

interface Piece {
  readonly driver: string;
  /** Where it ends in the blob. */
  readonly endBytes: number;
  /** CRC-32 of all that was sent up to there. */
  readonly checksum: number;
}

/**
 * Holds a body that was put together from several copies to the digest of its blob, before the last piece goes out.
 *
 * The first copy broke, so its bytes can't be read again: they have a running checksum, which costs little. When another copy takes
 * over, that is read whole beside the transfer; it has to have the digest of the blob, and what was sent has to have its checksum.
 */
export class FailoverCheck implements BodyCheck {
  private sentBytes = 0;
  private checksum = 0;
  private readonly pieces: Piece[] = [];
  private last: { readonly driver: string; readonly md5: Buffer; readonly copy: Promise<WholeCopy> } | undefined;

  constructor(
    private readonly sizeBytes: number,
    private readonly readWhole: ReadWhole,
    /** Told of a copy whose bytes are wrong. */
    private readonly onCorrupt: (driver: string, error: DriverError) => void,
  ) {}

  passed(chunk: Uint8Array): void {
    this.sentBytes += chunk.length;
    this.checksum = crc32(chunk, this.checksum);
  }

  /** From here on the bytes are those of `to`. `md5`: digest of the whole blob. */
  wentOn(from: string, to: string, md5: Buffer): void {
    this.pieces.push({ driver: from, endBytes: this.sentBytes, checksum: this.checksum });
    const copy = this.readWhole(to, [...this.pieces.map(({ endBytes }) => endBytes), this.sizeBytes]);
    copy.catch(() => undefined);
    this.last = { driver: to, md5, copy };
  }

  verdict(): Promise<void> | undefined {
    return this.last && this.compare(this.last.driver, this.last.md5, this.last.copy);
  }

  private async compare(driver: string, md5: Buffer, copy: Promise<WholeCopy>): Promise<void> {
    const whole = await copy;
    if (!whole.md5.equals(md5)) throw this.corrupt(driver);
    const pieces = [...this.pieces, { driver, endBytes: this.sizeBytes, checksum: this.checksum }];
    const wrong = pieces.find(({ checksum }, at) => checksum !== whole.checksums[at]);
    if (wrong !== undefined) throw this.corrupt(wrong.driver);
  }

  private corrupt(driver: string): DriverError {
    const error = new DriverError('Corrupted', `${driver} gave other bytes than were stored`);
    this.onCorrupt(driver, error);
    return error;
  }
}

/** Reads `body` to its end. See {@link WholeCopy}. */
export async function digestOf(body: Readable, positions: readonly number[]): Promise<WholeCopy> {
  const md5 = createDigest('md5');
  const checksums: number[] = [];
  let checksum = 0;
  let readBytes = 0;
  for await (const chunk of body) {
    if (!(chunk instanceof Uint8Array)) continue;
    md5.update(chunk);
    let rest = chunk;
    for (const position of positions.slice(checksums.length)) {
      if (position > readBytes + rest.length) break;
      checksum = crc32(rest.subarray(0, position - readBytes), checksum);
      rest = rest.subarray(position - readBytes);
      readBytes = position;
      checksums.push(checksum);
    }
    checksum = crc32(rest, checksum);
    readBytes += rest.length;
  }
  return { md5: md5.digest(), checksums };
}
