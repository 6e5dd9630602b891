import type { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import type { BlobKey } from '../../context/ids';
import type { OperationContext } from '../../context/operation-context';
import { spanOf } from '../byte-range';
import type { ByteSpan } from '../byte-range';
import type { BlobRead, ByteRange, Driver, ReadOptions } from '../driver';
import { DriverError } from '../driver.errors';
import { OrderedBody } from '../ordered-body';
import { RangeSources } from '../range-sources';
import type { Paces } from '../range-sources';
import { ReadAhead } from '../read-ahead';
import type { Semaphore } from '../semaphore';
import type { DriverLayer } from './compose-layers';
import { WrappedDriver } from './wrapped-driver';

export interface ParallelReadOptions {
  /** Reads of more bytes than this are cut into ranges. */
  readonly thresholdBytes: number;
  /** Ranges begin at multiples of this. */
  readonly rangeBytes: number;
  /** Ranges of one read that are fetched at once; 1: none is cut. */
  readonly maxRanges: number;
  /** A range that is waited for and brings nothing for so long is asked for a second time. */
  readonly hedgeAfterMs: number;
}

/** Bytes of a range for which there is no memory to hold it whole: its source then waits for the reader. */
const UNBUDGETED_BYTES = 256 * 1024;

export interface ParallelReadTelemetry {
  hedged(driver: string): void;
}

/**
 * Fetches large blobs in several ranges at once and hands them on in order: beyond what a backend gives on one connection, and with
 * `alsoOn` from several copies, beyond what one backend gives.
 *
 * `memory` has a permit for each range that may be in memory, of all reads of the process; without one, a read goes on with the range
 * that its reader waits for alone. The checksum of a whole blob is verified before its last bytes are handed on. Each range is a read of its own to the layers within, which retry it.
 */
export function parallelReadLayer(
  options: ParallelReadOptions,
  memory: Semaphore,
  telemetry?: ParallelReadTelemetry,
): DriverLayer {
  return (inner) => (options.maxRanges <= 1 ? inner : new ParallelReadingDriver(inner, options, memory, telemetry));
}

class ParallelReadingDriver extends WrappedDriver {
  private readonly paces: Paces = new Map();

  constructor(
    inner: Driver,
    private readonly options: ParallelReadOptions,
    private readonly memory: Semaphore,
    private readonly telemetry: ParallelReadTelemetry | undefined,
  ) {
    super(inner);
  }

  /** The first call tells the length, and its body is the first range. */
  override async read(
    ctx: OperationContext,
    key: BlobKey,
    range?: ByteRange,
    options?: ReadOptions,
  ): Promise<BlobRead> {
    const first = await this.inner.read(ctx, key, range);
    const span = spanOf(range, first.stat.sizeBytes);
    if (span.endExclusive - span.start <= this.options.thresholdBytes) return first;
    const isWhole = span.endExclusive - span.start === first.stat.sizeBytes;
    const expectedCrc32 = isWhole ? first.crc32 : undefined;
    const sources = new RangeSources(ctx, key, this.inner, this.paces);
    const body = new ParallelBody(
      ctx.signal,
      first.body,
      {
        ...this.options,
        span,
        expectedCrc32,
        open: (start, end) => sources.open(start, end),
        onHedge: () => this.telemetry?.hedged(this.name),
      },
      this.memory,
    );
    // A whole blob is put together of several copies only where its checksum tells whether that went well.
    if (options?.alsoOn !== undefined && isWhole === (expectedCrc32 !== undefined)) {
      options.alsoOn().then(
        (others) => {
          if (others.length === 0) return;
          sources.add(others);
          body.widen(sources.count);
        },
        // The one copy will do.
        () => undefined,
      );
    }
    return { stat: first.stat, body };
  }
}

interface ParallelBodyOptions extends ParallelReadOptions {
  readonly span: ByteSpan;
  /** Undefined: nothing to compare with. */
  readonly expectedCrc32: number | undefined;
  /** Reads a range; `end` is inclusive. */
  readonly open: (start: number, end: number) => Promise<Readable>;
  readonly onHedge: () => void;
}

interface FetchedRange {
  readonly start: number;
  readonly bytes: ReadAhead;
  readonly hasMemory: boolean;
}

class ParallelBody extends OrderedBody {
  /** The first is the one that is handed on now. */
  private readonly ranges: FetchedRange[] = [];
  private nextStart: number;
  private maxRanges: number;
  private hedgeTimer: NodeJS.Timeout | undefined;
  private checksum = 0;

  constructor(
    signal: AbortSignal,
    first: Readable,
    private readonly options: ParallelBodyOptions,
    private readonly memory: Semaphore,
  ) {
    super(signal);
    this.nextStart = options.span.start;
    this.maxRanges = options.maxRanges;
    this.add(memory.tryTake()).bytes.follow(first);
    this.fetchAhead();
  }

  /** As many ranges at once as from so many copies. */
  widen(copies: number): void {
    if (this.destroyed) return;
    this.maxRanges = this.options.maxRanges * copies;
    this.fetchAhead();
  }

  protected override next(): Buffer | undefined | null {
    for (;;) {
      const [head] = this.ranges;
      if (head === undefined) return null;
      const bytes = head.bytes.take();
      if (bytes !== undefined) {
        this.stopHedge();
        if (this.options.expectedCrc32 !== undefined) this.verify(bytes, this.options.expectedCrc32);
        return bytes;
      }
      if (head.bytes.failure !== undefined) throw head.bytes.failure;
      if (!head.bytes.isDrained) {
        this.hedgeTimer ??= setTimeout(() => {
          this.hedge(head);
        }, this.options.hedgeAfterMs);
        return undefined;
      }
      this.stopHedge();
      this.ranges.shift();
      if (head.hasMemory) this.memory.give();
      this.fetchAhead();
    }
  }

  protected override release(): void {
    this.stopHedge();
    for (const { bytes, hasMemory } of this.ranges) {
      bytes.destroy();
      if (hasMemory) this.memory.give();
    }
    this.ranges.length = 0;
  }

  /** Throws in place of the last bytes: a client that has them all takes them for right. */
  private verify(bytes: Buffer, expectedCrc32: number): void {
    this.checksum = crc32(bytes, this.checksum);
    const isLast = this.nextStart === this.options.span.endExclusive && this.ranges.length === 1;
    if (!isLast || this.ranges[0]?.bytes.isDrained !== true || this.checksum === expectedCrc32) return;
    throw new DriverError('Corrupted', 'the bytes of the backend do not have the checksum that it told');
  }

  private fetchAhead(): void {
    while (this.nextStart < this.options.span.endExclusive && this.ranges.length < this.maxRanges) {
      const hasMemory = this.memory.tryTake();
      if (!hasMemory && this.ranges.length > 0) return;
      this.fetch(this.add(hasMemory));
    }
  }

  /** The next range. */
  private add(hasMemory: boolean): FetchedRange {
    const { rangeBytes, span } = this.options;
    const start = this.nextStart;
    this.nextStart = Math.min(span.endExclusive, (Math.floor(start / rangeBytes) + 1) * rangeBytes);
    const lengthBytes = this.nextStart - start;
    const bytes = new ReadAhead(lengthBytes, hasMemory ? lengthBytes : UNBUDGETED_BYTES, () => {
      if (this.ranges[0]?.bytes === bytes) this.deliver();
    });
    const range = { start, bytes, hasMemory };
    this.ranges.push(range);
    return range;
  }

  /** Also from within, for what is still missing of the range. */
  private fetch({ start, bytes }: FetchedRange): void {
    const { position } = bytes;
    this.options.open(start + position, start + bytes.lengthBytes - 1).then(
      (source) => {
        // Meanwhile another source was quicker, or nobody wants it any more.
        if (this.destroyed || bytes.position !== position) source.destroy();
        else bytes.follow(source);
      },
      (error: unknown) => {
        bytes.fail(undefined, error instanceof Error ? error : new Error('a range failed', { cause: error }));
      },
    );
  }

  private hedge(range: FetchedRange): void {
    this.options.onHedge();
    this.fetch(range);
  }

  private stopHedge(): void {
    clearTimeout(this.hedgeTimer);
    this.hedgeTimer = undefined;
  }
}
