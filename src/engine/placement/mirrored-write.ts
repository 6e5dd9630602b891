import type { BlobKey } from '../../context/ids';
import { withSignal } from '../../context/operation-context';
import type { OperationContext } from '../../context/operation-context';
import { abortedError } from '../../drivers/abort-scope';
import type { BlobSource, Driver } from '../../drivers/driver';
import { DriverError } from '../../drivers/driver.errors';
import { FanOut } from './fan-out';
import type { Branch } from './fan-out';
import { combinedError } from './combined-error';

/** So much of a body is kept, so that a spare can take the place of a driver that failed early. */
const RETAIN_BYTES = 1024 * 1024;

export interface MirroredWriteOptions {
  readonly key: BlobKey;
  /** Length in bytes where known. */
  readonly sizeBytes: number | undefined;
  /** One copy goes to each. */
  readonly targets: readonly Driver[];
  /** Take the places of targets that fail, in this order. */
  readonly spares: readonly Driver[];
  /** Copies without which the write has failed. */
  readonly quorum: number;
  /** With a quorum, copies that have made no progress for so long are given up. */
  readonly slowMs: number;
  /** Called before the first byte goes to a spare. */
  readonly adopt: (spare: Driver) => Promise<void>;
}

/** Drivers by name, in the order of preference. */
export interface MirroredWriteResult {
  /** They have all bytes, durably. */
  readonly live: readonly string[];
  /** They failed, and a spare took their place. */
  readonly replaced: readonly string[];
}

/**
 * Writes one body to several drivers at once, at the pace of the slowest. One that fails is replaced by a spare while the
 * body's beginning is still at hand; else it is done without, as long as the quorum can be reached.
 *
 * Rejects with the source's own error, with `Aborted`, or, when too many drivers failed, with one error for all of them: nothing was
 * acknowledged, though some may hold bytes.
 */
export function writeMirrored(
  ctx: OperationContext,
  source: BlobSource,
  options: MirroredWriteOptions,
): Promise<MirroredWriteResult> {
  return new MirroredWrite(ctx, source, options).run();
}

class MirroredWrite {
  private readonly fan: FanOut;
  private readonly spares: Driver[];
  private readonly live = new Set<string>();
  private readonly errors: unknown[] = [];
  private readonly replaced: string[] = [];
  private fatal: { readonly error: unknown } | undefined;
  private running = 0;
  private progress = 0;
  private lastProgress = -1;

  constructor(
    private readonly ctx: OperationContext,
    source: BlobSource,
    private readonly options: MirroredWriteOptions,
  ) {
    this.spares = [...options.spares];
    this.fan = new FanOut(source, this.spares.length === 0 ? 0 : RETAIN_BYTES);
  }

  async run(): Promise<MirroredWriteResult> {
    const { targets, quorum, slowMs } = this.options;
    // All have joined before the first reads.
    const branches = targets.map((driver) => ({ driver, branch: this.fan.join() }));
    this.running = targets.length;
    const watch = setInterval(() => {
      this.giveUpSlow();
    }, slowMs);
    try {
      await Promise.all(branches.map(({ driver, branch }) => this.writeTo(driver, branch)));
    } finally {
      clearInterval(watch);
      this.fan.dispose();
    }
    if (this.fan.failure !== undefined) throw asThrown(this.fan.failure);
    if (this.fatal !== undefined) throw asThrown(this.fatal);
    if (this.live.size < quorum) {
      throw this.ctx.signal.aborted ? abortedError(this.ctx.signal) : combinedError('write', this.errors);
    }
    const order = [...targets, ...this.options.spares].map(({ name }) => name);
    return { live: order.filter((name) => this.live.has(name)), replaced: this.replaced };
  }

  /** Never rejects. */
  private async writeTo(first: Driver, firstBranch: Branch): Promise<void> {
    const { key, sizeBytes } = this.options;
    let driver = first;
    let branch = firstBranch;
    for (;;) {
      try {
        const signal = AbortSignal.any([this.ctx.signal, branch.abort.signal]);
        await driver.write(withSignal(this.ctx, signal), key, branch, { sizeBytes });
        this.live.add(driver.name);
        break;
      } catch (error) {
        this.errors.push(error);
        const spare = this.takeSpare();
        if (spare === undefined) break;
        // Joined before the failed one is closed, so that the others do not read on without it.
        const next = this.fan.join();
        this.fan.close(branch);
        branch = next;
        if (!(await this.adopt(spare))) break;
        this.replaced.push(driver.name);
        driver = spare;
      }
    }
    this.fan.close(branch);
    this.running -= 1;
    this.progress += 1;
    if (this.live.size + this.running < this.options.quorum) this.giveUp();
  }

  private takeSpare(): Driver | undefined {
    if (this.ctx.signal.aborted || this.fatal !== undefined || !this.fan.canJoin) return undefined;
    return this.spares.shift();
  }

  private async adopt(spare: Driver): Promise<boolean> {
    try {
      await this.options.adopt(spare);
      return true;
    } catch (error) {
      this.fatal ??= { error };
      return false;
    }
  }

  /** The write can't succeed any more: nobody is to wait for the rest of the body. */
  private giveUp(): void {
    for (const branch of this.fan.busy) branch.abort.abort();
    this.fan.dispose();
  }

  private giveUpSlow(): void {
    const progress = this.progress + this.fan.delivered;
    const isStuck = progress === this.lastProgress;
    this.lastProgress = progress;
    if (!isStuck || this.live.size + this.fan.waitingCount < this.options.quorum) return;
    for (const branch of this.fan.busy) {
      branch.abort.abort(new DriverError('Unavailable', 'the copy was slower than the others'));
      this.fan.close(branch);
    }
  }
}

function asThrown({ error }: { readonly error: unknown }): Error {
  return error instanceof Error ? error : new Error('a write failed', { cause: error });
}
