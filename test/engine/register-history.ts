import { createHash, randomBytes } from 'node:crypto';

/** A body of random bytes with the ETag that S3 must give it. */
export interface Body {
  readonly bytes: Buffer;
  readonly etag: string;
}

export function bodyOf(sizeBytes: number): Body {
  const bytes = randomBytes(sizeBytes);
  return { bytes, etag: etagOf(bytes) };
}

/** In quotes, as in the header. */
export function etagOf(bytes: Uint8Array): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`;
}

interface Change {
  readonly etag: string | undefined;
  readonly startedAt: number;
  endedAt: number;
}

/**
 * What happened to one key, in the order in which this process saw it begin and end. A read may answer any write that was under
 * way with it, or the last one before; never one that another had wholly replaced by the time the read began.
 */
export class RegisterHistory {
  private clock = 0;
  private readonly changes: Change[] = [{ etag: undefined, startedAt: -1, endedAt: -1 }];

  /** A write of `etag`, or a delete where that is undefined. */
  async change<T>(etag: string | undefined, work: () => Promise<T>): Promise<T> {
    const change: Change = { etag, startedAt: this.tick(), endedAt: Infinity };
    this.changes.push(change);
    const result = await work();
    change.endedAt = this.tick();
    return result;
  }

  /** What a read saw that it must not have seen: a sentence, or undefined. `read` answers the ETag, undefined for a miss. */
  async read(read: () => Promise<string | undefined>): Promise<string | undefined> {
    const startedAt = this.tick();
    const etag = await read();
    const endedAt = this.tick();
    const settled = this.changes.filter((change) => change.endedAt < startedAt);
    const isPossible = this.changes.some(
      (change) =>
        change.etag === etag &&
        change.startedAt < endedAt &&
        !settled.some((later) => later.startedAt > change.endedAt),
    );
    return isPossible ? undefined : `a read saw ${etag ?? 'nothing'}, which was replaced before, or never written`;
  }

  private tick(): number {
    this.clock += 1;
    return this.clock;
  }
}
