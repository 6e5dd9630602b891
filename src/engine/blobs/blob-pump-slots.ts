import type { SharedSlot } from './digest-lane';

/** A piece of the shared memory. Goes back to its pool when everybody who holds it has released it. */
export class Slot implements SharedSlot {
  readonly memory: SharedArrayBuffer;
  readonly bytes: Buffer;
  /** How far the present fill has come. */
  filledBytes = 0;
  private holders = 0;

  constructor(
    readonly index: number,
    sizeBytes: number,
    private readonly giveBack: (slot: Slot) => void,
  ) {
    this.memory = new SharedArrayBuffer(sizeBytes);
    this.bytes = Buffer.from(this.memory);
  }

  get isFull(): boolean {
    return this.filledBytes === this.bytes.length;
  }

  /** Copies what fits and returns how many bytes that were. */
  fill(chunk: Uint8Array, from: number): number {
    const countBytes = Math.min(chunk.length - from, this.bytes.length - this.filledBytes);
    const piece = countBytes === chunk.length ? chunk : chunk.subarray(from, from + countBytes);
    // Not `set` or `copy`: into shared memory these move byte by byte wherever source and target are aligned differently,
    // at 1.5 GB/s. To fill a range of equal length is one memcpy, at 35 GB/s.
    if (countBytes > 0) this.bytes.fill(piece, this.filledBytes, this.filledBytes + countBytes);
    this.filledBytes += countBytes;
    return countBytes;
  }

  hold(count: number): void {
    this.holders += count;
  }

  release(): void {
    this.holders -= 1;
    if (this.holders > 0) return;
    this.filledBytes = 0;
    this.giveBack(this);
  }
}

/** An upload as the pool sees it. */
export interface SlotUser {
  /** Slots that were taken and have not come back. Kept by the pool. */
  heldSlots: number;
  /** Sends the partly filled slot on its way at once. Called only while the upload waits for its source. */
  flush(): void;
}

interface Waiter {
  readonly user: SlotUser;
  readonly resolve: (slot: Slot | undefined) => void;
}

/** Slots that one upload may hold however few others there are: enough to ride out a sync of the disk. */
const MAX_SLOTS_PER_UPLOAD = 32;
/** Slots that one upload may hold however many others there are: one being filled, one on its way. */
const MIN_SLOTS_PER_UPLOAD = 2;

/**
 * The upload memory of a process, shared by all its uploads.
 *
 * A slot is either being filled or on its way to the disk and the digests, from where it comes back without anybody's help.
 * Deadlock and starvation can only come from slots whose fill never ends, of clients that trickle. So while somebody
 * waits, no more than half of the slots may be in fill: the ones that have waited longest for their source are sent on as they are.
 */
export class SlotPool {
  private readonly free: Slot[] = [];
  private madeSlots = 0;
  private users = 0;
  private readonly waiters: Waiter[] = [];
  private readonly owners = new Map<Slot, SlotUser>();
  /** Users that wait for their source with a partly filled slot; the longest waiting first. */
  private readonly filling = new Set<SlotUser>();

  constructor(
    private readonly slotBytes: number,
    private readonly slotCount: number,
  ) {}

  /** Slots that nobody holds, those not made yet included. */
  get freeSlots(): number {
    return this.free.length + this.slotCount - this.madeSlots;
  }

  join(): void {
    this.users += 1;
  }

  /** Ends the wait of `user` with undefined; the slots it holds come back as they are released. */
  leave(user: SlotUser): void {
    this.users -= 1;
    this.filling.delete(user);
    const index = this.waiters.findIndex((waiter) => waiter.user === user);
    if (index >= 0) this.waiters.splice(index, 1)[0]?.resolve(undefined);
    this.serve();
  }

  /** A slot held once, at once where one is to be had. A promise of undefined means that the user left. */
  take(user: SlotUser): Slot | Promise<Slot | undefined> {
    if (this.waiters.length === 0 && this.freeSlots > 0 && this.isWithinShare(user)) return this.give(user);
    return new Promise((resolve) => {
      this.waiters.push({ user, resolve });
      this.serve();
      this.relieve();
    });
  }

  /** Says that `user` goes to wait for its source with a partly filled slot. */
  pause(user: SlotUser): void {
    this.filling.delete(user);
    this.filling.add(user);
    this.relieve();
  }

  /** Says that the slot of `user` is being filled again, or on its way. */
  resume(user: SlotUser): void {
    this.filling.delete(user);
  }

  private relieve(): void {
    while (this.waiters.length > 0 && this.freeSlots === 0 && this.filling.size > this.slotCount / 2) {
      const [longest] = this.filling;
      if (longest === undefined) return;
      this.filling.delete(longest);
      longest.flush();
    }
  }

  private serve(): void {
    while (this.freeSlots > 0) {
      const index = this.waiters.findIndex(({ user }) => this.isWithinShare(user));
      const waiter = index < 0 ? undefined : this.waiters.splice(index, 1)[0];
      if (waiter === undefined) return;
      waiter.resolve(this.give(waiter.user));
    }
  }

  private isWithinShare(user: SlotUser): boolean {
    const share = Math.floor(this.slotCount / Math.max(1, this.users));
    return user.heldSlots < Math.min(MAX_SLOTS_PER_UPLOAD, Math.max(MIN_SLOTS_PER_UPLOAD, share));
  }

  private give(user: SlotUser): Slot {
    // The last one back comes first: it still is in the processor's cache, and memory that was never needed stays unused.
    const slot = this.free.pop() ?? this.make();
    this.owners.set(slot, user);
    user.heldSlots += 1;
    slot.hold(1);
    return slot;
  }

  private make(): Slot {
    const slot = new Slot(this.madeSlots, this.slotBytes, this.takeBack);
    this.madeSlots += 1;
    return slot;
  }

  private readonly takeBack = (slot: Slot): void => {
    const owner = this.owners.get(slot);
    this.owners.delete(slot);
    if (owner !== undefined) owner.heldSlots -= 1;
    this.free.push(slot);
    this.serve();
  };
}
