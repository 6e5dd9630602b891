import type { BlobSource } from '../../drivers/driver';
import { DriverError } from '../../drivers/driver.errors';

type Step = IteratorResult<Uint8Array, undefined>;

const DONE: Step = { done: true, value: undefined };

/** One reader of a {@link FanOut}: pulls the source's chunks at the pace of the slowest. */
export class Branch implements AsyncIterableIterator<Uint8Array> {
  readonly abort = new AbortController();
  /** Copies of what the others have read already. */
  private replay: readonly Uint8Array[];
  private waiting: PromiseWithResolvers<Step> | undefined;
  private isClosed = false;

  constructor(
    private readonly fan: FanOut,
    replay: readonly Uint8Array[],
  ) {
    this.replay = replay;
  }

  get isWaiting(): boolean {
    return this.waiting !== undefined;
  }

  next(): Promise<Step> {
    if (this.isClosed) return Promise.reject(givenUp());
    const [copy, ...rest] = this.replay;
    if (copy !== undefined) {
      this.replay = rest;
      return Promise.resolve({ done: false, value: copy });
    }
    this.waiting = Promise.withResolvers();
    const { promise } = this.waiting;
    this.fan.advance();
    return promise;
  }

  return(): Promise<Step> {
    this.fan.close(this);
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  deliver(step: Step): void {
    const waiting = this.waiting;
    this.waiting = undefined;
    waiting?.resolve(step);
  }

  close(): void {
    this.isClosed = true;
    this.fail(givenUp());
  }

  fail(error: unknown): void {
    const waiting = this.waiting;
    this.waiting = undefined;
    waiting?.reject(error);
  }
}

/**
 * One source for several drivers at once. No chunk is asked for before every open branch has asked for it, so that no more than
 * one is held, whatever the number of branches.
 *
 * The first `retainBytes` are kept as copies; a branch may join for as long as nothing more was read.
 */
export class FanOut {
  /** What the source threw. */
  failure: { readonly error: unknown } | undefined;
  /** Chunks that were handed on. */
  delivered = 0;
  private readonly iterator: AsyncIterator<Uint8Array>;
  private readonly open = new Set<Branch>();
  private retained: Uint8Array[] | undefined = [];
  private leftBytes: number;
  private isPulling = false;
  private isEnded = false;

  constructor(source: BlobSource, retainBytes: number) {
    this.iterator = source[Symbol.asyncIterator]();
    this.leftBytes = retainBytes;
  }

  get canJoin(): boolean {
    return this.retained !== undefined && this.failure === undefined;
  }

  /** Branches that have not asked for the next chunk. */
  get busy(): readonly Branch[] {
    return [...this.open].filter((branch) => !branch.isWaiting);
  }

  /** Branches that wait for the next chunk. */
  get waitingCount(): number {
    return this.open.size - this.busy.length;
  }

  /** @throws Error unless {@link canJoin} */
  join(): Branch {
    if (this.retained === undefined) throw new Error('too much was read for a branch to join');
    const branch = new Branch(this, [...this.retained]);
    this.open.add(branch);
    return branch;
  }

  /** The branch reads no more; the others no longer wait for it. */
  close(branch: Branch): void {
    if (!this.open.delete(branch)) return;
    branch.close();
    this.advance();
  }

  /** Ends every branch, and tells a source that was not read to its end. */
  dispose(): void {
    for (const branch of [...this.open]) this.close(branch);
    this.retained = undefined;
    if (this.isEnded) return;
    this.isEnded = true;
    const ignore = (): void => undefined;
    // Not awaited: a generator answers only after the step that it is in, which may never end.
    this.iterator.return?.().then(ignore, ignore);
  }

  /** Reads the next chunk when every open branch waits for it. */
  advance(): void {
    if (this.failure !== undefined) this.failAll(this.failure.error);
    else if (this.isEnded) this.deliver(DONE);
    if (this.isPulling || this.isEnded || this.open.size === 0) return;
    for (const branch of this.open) if (!branch.isWaiting) return;
    void this.pull();
  }

  /** Never rejects. */
  private async pull(): Promise<void> {
    this.isPulling = true;
    try {
      const step = await this.iterator.next();
      this.isPulling = false;
      if (step.done === true) {
        this.isEnded = true;
        this.deliver(DONE);
        return;
      }
      this.retain(step.value);
      this.deliver({ done: false, value: step.value });
    } catch (error) {
      this.isPulling = false;
      this.isEnded = true;
      this.failure = { error };
      this.failAll(error);
    }
  }

  private deliver(step: Step): void {
    this.delivered += 1;
    for (const branch of this.open) branch.deliver(step);
  }

  private failAll(error: unknown): void {
    for (const branch of this.open) branch.fail(error);
  }

  private retain(chunk: Uint8Array): void {
    if (this.retained === undefined) return;
    this.leftBytes -= chunk.byteLength;
    if (this.leftBytes < 0) this.retained = undefined;
    else this.retained.push(Buffer.from(chunk));
  }
}

function givenUp(): DriverError {
  return new DriverError('Aborted', 'the copy was given up');
}
