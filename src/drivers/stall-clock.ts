/**
 * Notices that a transfer stands still. Only time in which the backend could do something counts: {@link hold} stops the clock
 * while our own side is slow, and {@link touch} starts it anew.
 */
export class StallClock {
  private timer: NodeJS.Timeout | undefined;
  private movedAtMs = performance.now();
  private isHeld = false;

  /** `onStall` is called once, `limitMs` after the last movement. */
  constructor(
    private readonly limitMs: number,
    private readonly onStall: () => void,
  ) {
    this.arm(limitMs);
  }

  /** Something moved. */
  touch(): void {
    this.isHeld = false;
    this.movedAtMs = performance.now();
  }

  /** Until the next {@link touch} the backend waits for us. */
  hold(): void {
    this.isHeld = true;
  }

  close(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  // One timer that looks at its watch costs less than one that is set again at every piece.
  private arm(delayMs: number): void {
    this.timer = setTimeout(() => {
      if (this.isHeld) {
        this.arm(this.limitMs);
        return;
      }
      const leftMs = this.limitMs - (performance.now() - this.movedAtMs);
      if (leftMs > 0) this.arm(leftMs);
      else this.onStall();
    }, delayMs);
  }
}
