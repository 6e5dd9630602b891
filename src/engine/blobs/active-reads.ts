import { Injectable } from '@nestjs/common';

/**
 * Reads of blobs that are under way in this process. The sweeper removes a doomed blob only after every read that began
 * before it was doomed has ended, on all gateways (`vaultaire_oldest_read`).
 */
@Injectable()
export class ActiveReads {
  /** Insertion order is time order, so the first entry is the oldest. */
  private readonly startedAtMs = new Map<symbol, number>();

  /** Call before the row is looked up; the returned function ends the read. */
  begin(): () => void {
    const read = Symbol('read');
    this.startedAtMs.set(read, performance.now());
    return () => {
      this.startedAtMs.delete(read);
    };
  }

  /** Milliseconds since the oldest read began; null when there is none. */
  oldestAgeMs(): number | null {
    for (const startedAtMs of this.startedAtMs.values()) return performance.now() - startedAtMs;
    return null;
  }
}
