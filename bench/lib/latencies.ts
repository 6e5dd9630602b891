/** Every latency of a run, in milliseconds; percentiles are exact, not estimated from buckets. */
export class Latencies {
  private values = new Float64Array(4096);
  private length = 0;

  get count(): number {
    return this.length;
  }

  add(milliseconds: number): void {
    if (this.length === this.values.length) {
      const larger = new Float64Array(this.length * 2);
      larger.set(this.values);
      this.values = larger;
    }
    this.values[this.length++] = milliseconds;
  }

  /** The values at the given fractions (0.5 is the median), by nearest rank; 0 when nothing was added. */
  percentiles(fractions: readonly number[]): number[] {
    const sorted = this.values.slice(0, this.length).sort();
    return fractions.map((fraction) => sorted[Math.max(0, Math.ceil(fraction * sorted.length) - 1)] ?? 0);
  }
}

/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? 0)) / 2;
}
