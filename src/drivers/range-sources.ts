import type { Readable } from 'node:stream';
import type { BlobKey } from '../context/ids';
import type { OperationContext } from '../context/operation-context';
import type { Driver } from './driver';
import { DriverError } from './driver.errors';
import { ResumingBody } from './resuming-body';

/** Share of the newest range in what is remembered of a driver's pace. */
const NEWEST_SHARE = 0.3;

/** Milliseconds per byte that ranges took, by driver. */
export type Paces = Map<string, number>;

interface Copy {
  readonly driver: Driver;
  /** Ranges that are on their way. */
  inFlight: number;
}

/**
 * The copies of one blob, whose ranges are read from several at once: each from that which should be done with it first, after the
 * ranges that it has in hand and what ranges took before. A range that fails goes on with another copy, from where it stopped.
 */
export class RangeSources {
  private readonly copies: Copy[];

  constructor(
    private readonly ctx: OperationContext,
    private readonly key: BlobKey,
    first: Driver,
    private readonly paces: Paces,
  ) {
    this.copies = [{ driver: first, inFlight: 0 }];
  }

  get count(): number {
    return this.copies.length;
  }

  add(drivers: readonly Driver[]): void {
    for (const driver of drivers) this.copies.push({ driver, inFlight: 0 });
  }

  /** `end` is inclusive. Rejects with the error of the last copy when none can give the range. */
  async open(start: number, end: number): Promise<Readable> {
    const failed = new Set<Copy>();
    let current: Copy;
    let lastError: unknown = new DriverError('Unavailable', 'there is no copy to read the range from');
    const openFrom = async (position: number): Promise<Readable> => {
      for (;;) {
        const copy = this.choose(failed);
        if (copy === undefined) throw lastError;
        current = copy;
        try {
          return await this.openOn(copy, position, end);
        } catch (error) {
          if (this.ctx.signal.aborted) throw error;
          lastError = error;
          failed.add(copy);
        }
      }
    };
    const body = await openFrom(start);
    if (this.copies.length === 1) return body;
    return new ResumingBody(body, end - start + 1, this.ctx.signal, (receivedBytes, error) => {
      lastError = error;
      failed.add(current);
      return openFrom(start + receivedBytes);
    });
  }

  private choose(failed: ReadonlySet<Copy>): Copy | undefined {
    // Of whom nothing is known yet, the best is believed.
    const best = this.paces.size === 0 ? 1 : Math.min(...this.paces.values());
    let chosen: Copy | undefined;
    let chosenAt = Number.POSITIVE_INFINITY;
    for (const copy of this.copies) {
      if (failed.has(copy) || (copy !== this.copies[0] && !copy.driver.isAvailable())) continue;
      const doneAt = (copy.inFlight + 1) * (this.paces.get(copy.driver.name) ?? best);
      if (doneAt >= chosenAt) continue;
      chosen = copy;
      chosenAt = doneAt;
    }
    return chosen;
  }

  private async openOn(copy: Copy, start: number, end: number): Promise<Readable> {
    const startedAtMs = performance.now();
    copy.inFlight += 1;
    try {
      const { body } = await copy.driver.read(this.ctx, this.key, { start, end });
      body.once('close', () => {
        copy.inFlight -= 1;
        if (body.readableEnded) this.learn(copy.driver.name, (performance.now() - startedAtMs) / (end - start + 1));
      });
      return body;
    } catch (error) {
      copy.inFlight -= 1;
      throw error;
    }
  }

  private learn(name: string, pace: number): void {
    const known = this.paces.get(name);
    this.paces.set(name, known === undefined ? pace : known + (pace - known) * NEWEST_SHARE);
  }
}
