import type { ByteSpan } from '../byte-range';

/** How the chunks of a blob lie: chunk `i` is in part `i mod parts`, behind those that are there already. */
export class StripeLayout {
  constructor(
    readonly parts: number,
    readonly chunkBytes: number,
  ) {}

  /** The part that holds the byte at `position`. */
  partOf(position: number): number {
    return Math.floor(position / this.chunkBytes) % this.parts;
  }

  /** Bytes from `position` to the end of its chunk. */
  leftInChunk(position: number): number {
    return this.chunkBytes - (position % this.chunkBytes);
  }

  /** Bytes of a blob of `sizeBytes` that lie in `part`. */
  partBytes(sizeBytes: number, part: number): number {
    return this.before(sizeBytes, part);
  }

  /** Where the bytes of `span` that are in `part` lie there; undefined: none are. */
  spanInPart({ start, endExclusive }: ByteSpan, part: number): ByteSpan | undefined {
    const from = this.before(start, part);
    const to = this.before(endExclusive, part);
    return from < to ? { start: from, endExclusive: to } : undefined;
  }

  /** Bytes before `position` of the blob that are in `part`. */
  private before(position: number, part: number): number {
    const { chunkBytes, parts } = this;
    const chunks = Math.floor(position / chunkBytes);
    const whole = Math.floor((chunks - part + parts - 1) / parts);
    return Math.max(0, whole) * chunkBytes + (chunks % parts === part ? position % chunkBytes : 0);
  }
}
