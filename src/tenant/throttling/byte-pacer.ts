import { setTimeout as sleep } from 'node:timers/promises';
import type { RateLimits } from '../../context/policy/tenant-policy';
import type { Allowance } from './allowance';
import type { BucketRate } from './leases';

/** What may go at once after a pause. */
const BURST_SECONDS = 0.25;
const MIN_BURST_BYTES = 16 * 1024;
/** One piece of a body takes about so long, so that several transfers take turns. */
const SLICE_SECONDS = 0.1;
const MIN_SLICE_BYTES = 1024;
const MAX_SLICE_BYTES = 256 * 1024;
/** Long waits are interrupted this often to say that somebody still waits. */
const BEAT_MS = 10_000;

export type ByteDirection = 'bytes-in' | 'bytes-out';

/** Bytes a second of a tenant and of an access key, as they are now; undefined: not limited. */
export type ByteRates = readonly (readonly [Allowance, bytesPerSecond: number | undefined])[];

/** The shapers of one request's body and answer. Undefined: not shaped. */
export interface Pacing {
  readonly bytesIn: BytePacer | undefined;
  readonly bytesOut: BytePacer | undefined;
}

/** Holds bytes of one transfer back until the limits of its tenant and key have room for them. */
export class BytePacer {
  /** `rates` is asked at each piece, so that a change of the limits reaches transfers that are under way. */
  constructor(private readonly rates: () => ByteRates) {}

  /** A larger piece is better handed on in several. */
  get sliceBytes(): number {
    let sliceBytes = MAX_SLICE_BYTES;
    for (const [, perSecond] of this.rates()) {
      if (perSecond !== undefined) sliceBytes = Math.min(sliceBytes, Math.floor(perSecond * SLICE_SECONDS));
    }
    return Math.max(MIN_SLICE_BYTES, sliceBytes);
  }

  /**
   * Undefined: the bytes may go. Else resolves when they may; rejects with the reason of `signal` when that aborts, at the latest when
   * the limits have answered, and gives back what was set aside. `onBeat` is called every ten seconds meanwhile.
   */
  reserve(bytes: number, signal: AbortSignal, onBeat?: () => void): Promise<void> | undefined {
    const taken: Allowance[] = [];
    const waits: (number | Promise<number>)[] = [];
    for (const [allowance, perSecond] of this.rates()) {
      if (perSecond === undefined) continue;
      const wait = allowance.reserve(bytes, byteRate(perSecond));
      taken.push(allowance);
      if (wait !== 0) waits.push(wait);
    }
    if (waits.length === 0) return undefined;
    return this.waitFor(waits, signal, onBeat).catch((error: unknown) => {
      for (const allowance of taken) allowance.refund(bytes);
      throw error;
    });
  }

  private async waitFor(
    waits: readonly (number | Promise<number>)[],
    signal: AbortSignal,
    onBeat: (() => void) | undefined,
  ): Promise<void> {
    signal.throwIfAborted();
    let leftMs = Math.max(...(await Promise.all(waits.map(async (wait) => wait))));
    while (leftMs > 0) {
      const pieceMs = Math.min(leftMs, BEAT_MS);
      await sleep(pieceMs, undefined, { signal }).catch(() => {
        signal.throwIfAborted();
      });
      leftMs -= pieceMs;
      onBeat?.();
    }
    signal.throwIfAborted();
  }
}

export function byteRate(perSecond: number): BucketRate {
  return { perSecond, burst: Math.max(MIN_BURST_BYTES, Math.ceil(perSecond * BURST_SECONDS)) };
}

export function bytesPerSecond(limits: RateLimits | undefined, direction: ByteDirection): number | undefined {
  return (direction === 'bytes-in' ? limits?.bytesInPerSecond : limits?.bytesOutPerSecond) ?? undefined;
}
