import type { Readable } from 'node:stream';
import type { ByteSpan } from '../byte-range';
import { OrderedBody } from '../ordered-body';
import { ReadAhead } from '../read-ahead';
import type { Semaphore } from '../semaphore';
import type { StripeLayout } from './stripe-layout';

/** Read ahead of a part while there is no memory for a chunk of each. */
const UNBUDGETED_BYTES = 64 * 1024;

/** A part's bytes of the span, in order. */
export interface OpenPart {
  readonly source: Readable;
  readonly lengthBytes: number;
}

/** Puts a span of a striped blob together from its parts, which are read ahead by a chunk each. */
export class StripedBody extends OrderedBody {
  private readonly parts: (ReadAhead | undefined)[];
  private readonly hasMemory: boolean;
  private position: number;

  constructor(
    signal: AbortSignal,
    private readonly layout: StripeLayout,
    private readonly span: ByteSpan,
    /** By number of the part; undefined: it has nothing of the span. */
    open: readonly (OpenPart | undefined)[],
    private readonly memory: Semaphore,
  ) {
    super(signal);
    this.position = span.start;
    this.hasMemory = memory.tryTake();
    const queuedBytes = this.hasMemory ? layout.chunkBytes : UNBUDGETED_BYTES;
    this.parts = open.map((part) => {
      if (part === undefined) return undefined;
      const ahead = new ReadAhead(part.lengthBytes, queuedBytes, () => {
        this.deliver();
      });
      ahead.follow(part.source);
      return ahead;
    });
  }

  protected override next(): Buffer | undefined | null {
    const { position, layout } = this;
    if (position === this.span.endExclusive) return null;
    const part = this.parts[layout.partOf(position)];
    if (part === undefined) throw new Error('a part is missing that has bytes of the span');
    const bytes = part.take(layout.leftInChunk(position));
    if (bytes !== undefined) this.position += bytes.length;
    else if (part.failure !== undefined) throw part.failure;
    return bytes;
  }

  protected override release(): void {
    for (const part of this.parts) part?.destroy();
    if (this.hasMemory) this.memory.give();
  }
}
