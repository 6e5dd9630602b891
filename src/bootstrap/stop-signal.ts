/** The start was called off by a signal. Nothing is wrong. */
export class StartCancelled extends Error {
  override readonly name = 'StartCancelled';
}

/** Hears SIGTERM and SIGINT from the first moment on, so that a start that is under way also ends in order. */
export class StopSignal {
  /** Resolves at the first signal. */
  readonly first: Promise<void>;
  /** Resolves at the second, from somebody who won't wait. */
  readonly second: Promise<void>;
  private count = 0;

  constructor() {
    const first = Promise.withResolvers<undefined>();
    const second = Promise.withResolvers<undefined>();
    this.first = first.promise;
    this.second = second.promise;
    const heard = (): void => {
      this.count += 1;
      (this.count === 1 ? first : second).resolve(undefined);
    };
    process.on('SIGTERM', heard);
    process.on('SIGINT', heard);
  }

  /** @throws StartCancelled after a signal */
  throwIfHeard(): void {
    if (this.count > 0) throw new StartCancelled('stopped while starting');
  }
}
