const CHUNK_BYTES = 256 * 1_024;
/** UTF-8 takes no more for a code unit of a JavaScript string. */
const MAX_BYTES_PER_UNIT = 3;
const NEWLINE = 0x0a;

/** Lines of the event log, each with its line feed, which stands nowhere inside of a line. */
export interface EventBatch {
  readonly bytes: Buffer;
  readonly rows: number;
}

/**
 * Collects lines as bytes, so that what waits is as large as it looks and takes no garbage collection to speak of. Batches
 * share the memory that they were written to; it is freed with the last of them.
 */
export class EventCollector {
  private chunk = Buffer.allocUnsafe(0);
  private begin = 0;
  private end = 0;
  private rowsHere = 0;
  private full: EventBatch[] = [];
  private waitingRows = 0;
  private waitingBytes = 0;

  get rows(): number {
    return this.waitingRows;
  }

  get bytes(): number {
    return this.waitingBytes;
  }

  add(line: string): void {
    if (this.chunk.length - this.end < line.length * MAX_BYTES_PER_UNIT) this.nextChunk(line.length);
    const written = this.chunk.write(line, this.end);
    this.end += written;
    this.rowsHere += 1;
    this.waitingRows += 1;
    this.waitingBytes += written;
  }

  /** All that was collected since the last call, oldest first. */
  take(): EventBatch[] {
    this.closeBatch();
    const batches = this.full;
    this.full = [];
    this.waitingRows = 0;
    this.waitingBytes = 0;
    return batches;
  }

  private nextChunk(lineUnits: number): void {
    this.closeBatch();
    this.chunk = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, lineUnits * MAX_BYTES_PER_UNIT));
    this.begin = 0;
    this.end = 0;
  }

  private closeBatch(): void {
    if (this.rowsHere === 0) return;
    this.full.push({ bytes: this.chunk.subarray(this.begin, this.end), rows: this.rowsHere });
    this.begin = this.end;
    this.rowsHere = 0;
  }
}

/** Two batches of about as many rows; `batch` has at least two. */
export function halves(batch: EventBatch): [EventBatch, EventBatch] {
  const first = batch.rows >> 1;
  let at = 0;
  for (let row = 0; row < first; row += 1) at = batch.bytes.indexOf(NEWLINE, at) + 1;
  return [
    { bytes: batch.bytes.subarray(0, at), rows: first },
    { bytes: batch.bytes.subarray(at), rows: batch.rows - first },
  ];
}

/** One batch of several. Copies, unless there is but one. */
export function joined(batches: readonly EventBatch[]): EventBatch {
  const [only] = batches;
  if (only !== undefined && batches.length === 1) return only;
  return {
    bytes: Buffer.concat(batches.map(({ bytes }) => bytes)),
    rows: batches.reduce((rows, batch) => rows + batch.rows, 0),
  };
}

const UUID_TIME = /^([0-9a-f]{8})-([0-9a-f]{4})-7/;

/** When the oldest request of a batch began, in milliseconds since 1970, from the id of its first row. */
export function timeOf(batch: EventBatch | undefined): number | undefined {
  const id = UUID_TIME.exec(batch?.bytes.toString('latin1', 0, 36) ?? '');
  return id === null ? undefined : parseInt(`${id[1] ?? ''}${id[2] ?? ''}`, 16);
}
