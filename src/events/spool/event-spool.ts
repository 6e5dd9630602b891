import { open, readdir, stat, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { EventBatch } from '../event-batch';
import { joined } from '../event-batch';
import { recordHeader, segmentHeader, SegmentReader, TornSegmentError } from './spool-segment';

const SEGMENT_NAME = /^(\d{10})\.events$/;
const MAX_SEGMENT_BYTES = 8 * 1_024 * 1_024;
/** The bound is kept by removing whole segments: it has to hold some. */
const SEGMENTS_WITHIN_BOUND = 8;

interface Segment {
  readonly sequence: number;
  readonly path: string;
  /** Up to where records are whole, as far as this process knows. */
  bytes: number;
  /** That were not read yet; 0 for segments that another process wrote. */
  unreadRows: number;
}

/** Where a record lies. */
export interface SpooledRecord {
  readonly segment: object;
  readonly offset: number;
}

/** Records at the head of the spool. They stay there until {@link EventSpool.consume}. */
export interface SpooledEvents {
  readonly batch: EventBatch;
  readonly columns: string;
  readonly segment: object;
  readonly nextOffset: number;
}

export interface EventSpoolOptions {
  /** On disk; beyond it the oldest segment goes. */
  readonly maxBytes: number;
  /** `rows` were lost for want of room; undefined: the bytes of a torn segment, in which nobody knows how many there were. */
  readonly onLost: (rows: number | undefined, reason: string) => void;
}

/**
 * Rows of the event log on disk, first in first out, in segments of a few megabytes that are removed once they are read.
 *
 * What was appended outlives the process, not the power: nothing is synced. A record that was written by half ends its segment.
 * The head is not kept on disk: after a crash a segment is read from its beginning, so that rows may come twice.
 */
export class EventSpool {
  private readonly segments: Segment[];
  private current: { readonly segment: Segment; readonly file: FileHandle } | undefined;
  private head: { readonly segment: Segment; readonly reader: SegmentReader; offset: number } | undefined;
  private lastSequence: number;
  private queue: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly folder: string,
    private readonly options: EventSpoolOptions,
    segments: Segment[],
  ) {
    this.segments = segments;
    this.lastSequence = segments.at(-1)?.sequence ?? 0;
  }

  /** The spool in `folder`, with what a process left there. */
  static async open(folder: string, options: EventSpoolOptions): Promise<EventSpool> {
    const names = (await readdir(folder)).filter((name) => SEGMENT_NAME.test(name)).sort();
    const segments: Segment[] = [];
    for (const name of names) {
      const path = join(folder, name);
      segments.push({ sequence: parseInt(name, 10), path, bytes: (await stat(path)).size, unreadRows: 0 });
    }
    return new EventSpool(folder, options, segments);
  }

  get isEmpty(): boolean {
    return this.segments.length === 0;
  }

  /** On disk. Falls when a segment was read whole. */
  get bytes(): number {
    return this.segments.reduce((bytes, segment) => bytes + segment.bytes, 0);
  }

  /** Adds a record. Rejects when the disk refuses; the batch is not in the spool then. */
  append(batch: EventBatch): Promise<SpooledRecord> {
    return this.inTurn(async () => {
      const { segment, file } = (this.current ??= await this.newSegment());
      const header = recordHeader(batch);
      try {
        await file.writev([header, batch.bytes], segment.bytes);
      } catch (error) {
        // Half a record may be there now, so nothing may follow it.
        await this.closeCurrent();
        throw error;
      }
      const record = { segment, offset: segment.bytes };
      segment.bytes += header.length + batch.bytes.length;
      segment.unreadRows += batch.rows;
      if (segment.bytes >= Math.min(MAX_SEGMENT_BYTES, this.options.maxBytes / SEGMENTS_WITHIN_BOUND)) {
        await this.closeCurrent();
      }
      await this.keepBound();
      return record;
    });
  }

  /** The oldest records, at least one and about `maxBytes`; undefined when the spool is empty. */
  read(maxBytes: number): Promise<SpooledEvents | undefined> {
    return this.inTurn(async () => {
      for (;;) {
        const [segment] = this.segments;
        if (segment === undefined) return undefined;
        const spooled = await this.readFrom(segment, maxBytes);
        if (spooled !== undefined) return spooled;
        await this.remove(segment);
      }
    });
  }

  /** Takes off the head what {@link read} gave. */
  consume({ segment, nextOffset, batch }: SpooledEvents): Promise<void> {
    return this.inTurn(async () => {
      const [first] = this.segments;
      // The bound may have taken the segment meanwhile.
      if (first === undefined || first !== segment) return;
      if (this.head?.segment === first) this.head.offset = nextOffset;
      first.unreadRows = Math.max(0, first.unreadRows - batch.rows);
      if (nextOffset >= first.bytes) await this.remove(first);
    });
  }

  /** Takes a record off the head whose rows are in the table already; does nothing when another one is the first. */
  async skip(record: SpooledRecord): Promise<void> {
    const head = await this.read(1);
    if (head?.segment === record.segment && this.head?.offset === record.offset) await this.consume(head);
  }

  /** What is left stays on disk. */
  close(): Promise<void> {
    return this.inTurn(async () => {
      await this.closeCurrent();
      await this.closeHead();
    });
  }

  private async readFrom(segment: Segment, maxBytes: number): Promise<SpooledEvents | undefined> {
    let offset = 0;
    const batches: EventBatch[] = [];
    try {
      const head = await this.headOf(segment);
      offset = head.offset;
      let bytes = 0;
      while (offset < segment.bytes && bytes < maxBytes) {
        const { batch, nextOffset } = await head.reader.record(offset);
        batches.push(batch);
        bytes += batch.bytes.length;
        offset = nextOffset;
      }
      if (batches.length === 0) return undefined;
      return { batch: joined(batches), columns: head.reader.columns, segment, nextOffset: offset };
    } catch (error) {
      if (!(error instanceof TornSegmentError)) throw error;
      const lostBytes = segment.bytes - offset;
      this.options.onLost(undefined, `${String(lostBytes)} bytes at the end of ${segment.path} can not be read`);
      segment.bytes = offset;
      if (batches.length === 0) return undefined;
      const columns = this.head?.reader.columns ?? '';
      return { batch: joined(batches), columns, segment, nextOffset: offset };
    }
  }

  private async headOf(segment: Segment): Promise<{ readonly reader: SegmentReader; readonly offset: number }> {
    if (this.head?.segment === segment) return this.head;
    await this.closeHead();
    const reader = await SegmentReader.open(segment.path);
    this.head = { segment, reader, offset: reader.firstOffset };
    return this.head;
  }

  private async newSegment(): Promise<{ readonly segment: Segment; readonly file: FileHandle }> {
    const sequence = this.lastSequence + 1;
    const path = join(this.folder, `${String(sequence).padStart(10, '0')}.events`);
    const file = await open(path, 'w', 0o600);
    const header = segmentHeader();
    try {
      await file.write(header, 0, header.length, 0);
    } catch (error) {
      await file.close();
      await unlink(path);
      throw error;
    }
    this.lastSequence = sequence;
    const segment = { sequence, path, bytes: header.length, unreadRows: 0 };
    this.segments.push(segment);
    return { segment, file };
  }

  private async keepBound(): Promise<void> {
    while (this.segments.length > 1 && this.bytes > this.options.maxBytes) {
      const [oldest] = this.segments;
      if (oldest === undefined) return;
      await this.remove(oldest);
      this.options.onLost(oldest.unreadRows, 'the spool is full');
    }
  }

  private async remove(segment: Segment): Promise<void> {
    if (this.current?.segment === segment) await this.closeCurrent();
    if (this.head?.segment === segment) await this.closeHead();
    await unlink(segment.path);
    this.segments.splice(this.segments.indexOf(segment), 1);
  }

  private async closeCurrent(): Promise<void> {
    const current = this.current;
    this.current = undefined;
    await current?.file.close();
  }

  private async closeHead(): Promise<void> {
    const head = this.head;
    this.head = undefined;
    await head?.reader.close();
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.queue.then(work);
    this.queue = turn.catch(() => undefined);
    return turn;
  }
}
