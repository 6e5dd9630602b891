import { abortedError } from './abort-scope';

const MIB = 1024 * 1024;
/** Larger buffers are kept for the next taker: fresh ones make V8 collect the whole heap for each few of them. */
const POOLED_BYTES = MIB;
const IDLE_MS = 10_000;

/** Memory that was taken from {@link TransferBuffers}. */
export interface TransferBuffer {
  /** Exactly as long as was asked for. */
  readonly bytes: Buffer;
  /** Once, when nothing reads or writes the bytes any more. */
  release(): void;
}

/**
 * The memory of one process for bytes on their way to remote backends, over all drivers together. Whole buffers only, so that
 * nobody who holds half of one waits for the other half.
 */
export class TransferBuffers {
  private usedBytes = 0;
  private readonly waiting = new Set<() => void>();
  private pooled: Buffer[] = [];
  private idleTimer: NodeJS.Timeout | undefined;

  constructor(private readonly limitBytes: number) {}

  get freeBytes(): number {
    return this.limitBytes - this.usedBytes;
  }

  /** Undefined when there is not so much left now, or others wait already. */
  tryTake(sizeBytes: number): TransferBuffer | undefined {
    if (this.waiting.size > 0) return undefined;
    return this.takeNow(sizeBytes);
  }

  /** Waits for memory. Rejects with `Aborted`. A buffer larger than all memory together is given when nothing else is out. */
  take(sizeBytes: number, signal: AbortSignal): Promise<TransferBuffer> {
    if (signal.aborted) return Promise.reject(abortedError(signal));
    const taken = this.tryTake(sizeBytes);
    if (taken !== undefined) return Promise.resolve(taken);
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.waiting.delete(attempt);
        reject(abortedError(signal));
        this.admit();
      };
      const attempt = (): void => {
        const buffer = this.takeNow(sizeBytes);
        if (buffer === undefined) return;
        this.waiting.delete(attempt);
        signal.removeEventListener('abort', onAbort);
        resolve(buffer);
      };
      this.waiting.add(attempt);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  private takeNow(sizeBytes: number): TransferBuffer | undefined {
    if (this.usedBytes > 0 && this.usedBytes + sizeBytes > this.limitBytes) return undefined;
    this.usedBytes += sizeBytes;
    const whole = sizeBytes < POOLED_BYTES ? Buffer.allocUnsafe(sizeBytes) : this.fromPool(sizeBytes);
    let isReleased = false;
    return {
      bytes: whole.length === sizeBytes ? whole : whole.subarray(0, sizeBytes),
      release: () => {
        if (isReleased) return;
        isReleased = true;
        this.usedBytes -= sizeBytes;
        if (sizeBytes >= POOLED_BYTES) this.toPool(whole);
        this.admit();
      },
    };
  }

  /** In order: who waits longest goes first, also when a smaller buffer further back would fit. */
  private admit(): void {
    for (const attempt of this.waiting) {
      attempt();
      if (this.waiting.has(attempt)) return;
    }
  }

  private fromPool(sizeBytes: number): Buffer {
    const index = this.pooled.findIndex(({ length }) => length >= sizeBytes && length <= 2 * sizeBytes);
    const [found] = index === -1 ? [] : this.pooled.splice(index, 1);
    return found ?? Buffer.allocUnsafeSlow(sizeBytes);
  }

  private toPool(buffer: Buffer): void {
    const pooledBytes = this.pooled.reduce((sum, { length }) => sum + length, 0);
    if (pooledBytes + buffer.length + this.usedBytes > this.limitBytes) return;
    this.pooled.push(buffer);
    this.idleTimer ??= setTimeout(() => {
      this.idleTimer = undefined;
      this.pooled = [];
    }, IDLE_MS).unref();
  }
}
