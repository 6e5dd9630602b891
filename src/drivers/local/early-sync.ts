import { syncData } from './file-io';

/** Bytes written to a file before they are sent on to the disk while the write goes on. */
const CADENCE_BYTES = 32 * 1024 * 1024;
/** Early syncs running at once per driver; each occupies a thread of the pool, which reads need too. */
const MAX_RUNNING = 1;

/** Counts the early syncs of one driver. */
export class EarlySyncLimit {
  private running = 0;

  tryStart(): boolean {
    if (this.running >= MAX_RUNNING) return false;
    this.running += 1;
    return true;
  }

  end(): void {
    this.running -= 1;
  }
}

/**
 * Starts the way of a large file to the disk while its bytes still arrive, so that the sync at its end is short: without it a
 * file of 1 GiB waits for seconds after its last byte.
 */
export class EarlySync {
  private pendingBytes = 0;
  private current: Promise<void> | undefined;
  private failure: { readonly error: unknown } | undefined;

  constructor(private readonly limit: EarlySyncLimit) {}

  wrote(fd: number, lengthBytes: number): void {
    this.pendingBytes += lengthBytes;
    if (this.pendingBytes < CADENCE_BYTES || this.current !== undefined || !this.limit.tryStart()) return;
    this.pendingBytes = 0;
    const end = (): void => {
      this.current = undefined;
      this.limit.end();
    };
    this.current = syncData(fd).then(end, (error: unknown) => {
      // The system reports a failed writeback once per descriptor: a later sync would succeed over lost bytes.
      this.failure ??= { error };
      end();
    });
  }

  /** Resolves when no sync is running; rejects when one has failed. */
  async settled(): Promise<void> {
    await this.current;
    if (this.failure !== undefined) throw this.failure.error;
  }
}
