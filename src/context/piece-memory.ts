const KIB = 1024;
/** What is kept for the next taker; of a piece of another size, the rest lies idle. */
const SLAB_BYTES: readonly number[] = [16 * KIB, 64 * KIB, 256 * KIB];
const MAX_IDLE_BYTES = 16 * KIB * KIB;
const IDLE_MS = 10_000;

interface Slab {
  readonly memory: Buffer;
  /** The very object that was handed out; undefined while nobody has it. */
  taken: Buffer | undefined;
}

const slabs = new WeakMap<ArrayBufferLike, Slab>();
const idle = new Map<number, Slab[]>(SLAB_BYTES.map((sizeBytes) => [sizeBytes, []]));
let idleBytes = 0;
let idleTimer: NodeJS.Timeout | undefined;

/**
 * Memory for a piece of a body, with anything in it. Memory of this process that was recycled is used again: V8 collects the whole
 * heap for each 64 MiB of fresh Buffers, which takes more time than reading a body and sending it.
 */
export function takePiece(sizeBytes: number): Buffer {
  const slabBytes = SLAB_BYTES.find((bytes) => bytes >= sizeBytes);
  if (slabBytes === undefined) return Buffer.allocUnsafeSlow(sizeBytes);
  let slab = idle.get(slabBytes)?.pop();
  if (slab === undefined) {
    slab = { memory: Buffer.allocUnsafeSlow(slabBytes), taken: undefined };
    slabs.set(slab.memory.buffer, slab);
  } else idleBytes -= slabBytes;
  const { memory } = slab;
  return (slab.taken = sizeBytes === slabBytes ? memory : memory.subarray(0, sizeBytes));
}

/**
 * Gives a piece back, from whoever had it last and knows that nothing reads it any more. Does nothing with what is not exactly a
 * piece that was taken: the object of a part of one is not, since somebody may hold another part. What is never given back is
 * garbage as any other.
 */
export function recyclePiece(piece: Buffer): void {
  const slab = slabs.get(piece.buffer);
  if (slab?.taken !== piece) return;
  slab.taken = undefined;
  const { length } = slab.memory;
  if (idleBytes + length > MAX_IDLE_BYTES) return;
  idleBytes += length;
  idle.get(length)?.push(slab);
  idleTimer ??= setTimeout(forget, IDLE_MS).unref();
}

function forget(): void {
  idleTimer = undefined;
  idleBytes = 0;
  for (const slabsOfSize of idle.values()) slabsOfSize.length = 0;
}
