import type { Slot } from './blob-pump-slots';

/**
 * Filled slots on their way to the driver, as the source that it pulls. A slot is released when the next one is asked for,
 * or when the queue ends in whatever way.
 */
export class SlotQueue implements AsyncIterableIterator<Uint8Array> {
  private readonly ready: Slot[] = [];
  private current: Slot | undefined;
  private waiting: PromiseWithResolvers<IteratorResult<Uint8Array>> | undefined;
  private end: { readonly error: unknown } | 'ended' | undefined;
  private isDrainedToEnd = false;

  /** True when the consumer has seen the end of all bytes. */
  get isConsumed(): boolean {
    return this.isDrainedToEnd;
  }

  push(slot: Slot): void {
    if (this.end !== undefined) {
      slot.release();
      return;
    }
    this.ready.push(slot);
    this.settle();
  }

  /** No more slots will come. */
  finish(): void {
    this.end ??= 'ended';
    this.settle();
  }

  /** The consumer gets `error` next, and what waits is dropped. The first end counts. */
  fail(error: unknown): void {
    if (this.end === undefined) {
      this.end = { error };
      this.dropReady();
    }
    this.settle();
  }

  /** Releases every slot, for a consumer that will ask no more. */
  discard(): void {
    this.end ??= 'ended';
    this.releaseCurrent();
    this.dropReady();
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    this.releaseCurrent();
    this.waiting = Promise.withResolvers();
    const { promise } = this.waiting;
    this.settle();
    return promise;
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    this.discard();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  private settle(): void {
    const waiting = this.waiting;
    if (waiting === undefined) return;
    const slot = this.ready.shift();
    if (slot !== undefined) {
      this.current = slot;
      this.waiting = undefined;
      waiting.resolve({ done: false, value: slot.bytes.subarray(0, slot.filledBytes) });
    } else if (this.end === 'ended') {
      this.waiting = undefined;
      this.isDrainedToEnd = true;
      waiting.resolve({ done: true, value: undefined });
    } else if (this.end !== undefined) {
      this.waiting = undefined;
      waiting.reject(this.end.error);
    }
  }

  private releaseCurrent(): void {
    this.current?.release();
    this.current = undefined;
  }

  private dropReady(): void {
    for (const slot of this.ready.splice(0)) slot.release();
  }
}
