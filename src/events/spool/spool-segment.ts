import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type { EventBatch } from '../event-batch';
import { EVENT_COLUMNS } from '../event-line';

/*
 * A segment is a header and records, numbers little-endian:
 *   header: the eight bytes "VLTEVT1\n", length of the columns u32, CRC-32 of the columns u32, the columns
 *   record: length of the lines u32, rows u32, CRC-32 of those eight bytes and the lines u32, the lines
 */
const MAGIC = Buffer.from('VLTEVT1\n');
const HEADER_BYTES = MAGIC.length + 8;
const RECORD_HEADER_BYTES = 12;
/** More than any batch has: a longer record is none. */
const MAX_RECORD_BYTES = 64 * 1_024 * 1_024;

export function segmentHeader(): Buffer {
  const columns = Buffer.from(EVENT_COLUMNS);
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.writeUInt32LE(columns.length, MAGIC.length);
  header.writeUInt32LE(crc32(columns), MAGIC.length + 4);
  return Buffer.concat([header, columns]);
}

/** The header of the record of `batch`; the batch's bytes follow it. */
export function recordHeader({ bytes, rows }: EventBatch): Buffer {
  const header = Buffer.alloc(RECORD_HEADER_BYTES);
  header.writeUInt32LE(bytes.length, 0);
  header.writeUInt32LE(rows, 4);
  header.writeUInt32LE(crc32(bytes, crc32(header.subarray(0, 8))), 8);
  return header;
}

/** What follows is no record: the file ends within it, or its bytes are not those that were written. */
export class TornSegmentError extends Error {
  override readonly name = 'TornSegmentError';
}

/** Reads a segment from its beginning. */
export class SegmentReader {
  private constructor(
    private readonly file: FileHandle,
    /** Columns of the lines. */
    readonly columns: string,
    readonly firstOffset: number,
  ) {}

  /** @throws TornSegmentError when there is not even a whole header */
  static async open(path: string): Promise<SegmentReader> {
    const file = await open(path, 'r');
    try {
      const header = await readExactly(file, 0, HEADER_BYTES);
      const length = header.readUInt32LE(MAGIC.length);
      if (!header.subarray(0, MAGIC.length).equals(MAGIC) || length > MAX_RECORD_BYTES) throw torn(path, 0);
      const columns = await readExactly(file, HEADER_BYTES, length);
      if (crc32(columns) !== header.readUInt32LE(MAGIC.length + 4)) throw torn(path, 0);
      return new SegmentReader(file, columns.toString(), HEADER_BYTES + length);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /**
   * The record at `offset`, and where the next one begins.
   *
   * @throws TornSegmentError
   */
  async record(offset: number): Promise<{ readonly batch: EventBatch; readonly nextOffset: number }> {
    const header = await readExactly(this.file, offset, RECORD_HEADER_BYTES);
    const length = header.readUInt32LE(0);
    if (length === 0 || length > MAX_RECORD_BYTES) throw torn('the segment', offset);
    const bytes = await readExactly(this.file, offset + RECORD_HEADER_BYTES, length);
    if (crc32(bytes, crc32(header.subarray(0, 8))) !== header.readUInt32LE(8)) throw torn('the segment', offset);
    return {
      batch: { bytes, rows: header.readUInt32LE(4) },
      nextOffset: offset + RECORD_HEADER_BYTES + length,
    };
  }

  close(): Promise<void> {
    return this.file.close();
  }
}

async function readExactly(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, offset + filled);
    if (bytesRead === 0) throw torn('the segment', offset);
    filled += bytesRead;
  }
  return buffer;
}

function torn(what: string, offset: number): TornSegmentError {
  return new TornSegmentError(`${what} is no more readable from byte ${String(offset)} on`);
}
