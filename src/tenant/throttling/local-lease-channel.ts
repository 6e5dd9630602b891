import type { LeaseHandlers, LeaseReport } from './leases';
import { LeaseChannel } from './leases';
import type { LimitLedger } from './limit-ledger';
import type { SharedBuckets } from './shared-buckets';

const ONLY_HOLDER = 0;
const SWEEP_INTERVAL_MS = 1_000;

/** The buckets are in this process. */
export class LocalLeaseChannel extends LeaseChannel {
  private handlers: LeaseHandlers | undefined;
  private readonly timer: NodeJS.Timeout;
  private readonly onGrant: LeaseHandlers['granted'] = (grant) => this.handlers?.granted(grant);

  constructor(
    private readonly ledger: LimitLedger,
    private readonly shared?: SharedBuckets,
  ) {
    super();
    this.timer = setInterval(() => {
      ledger.sweep();
    }, SWEEP_INTERVAL_MS);
    this.timer.unref();
  }

  connect(handlers: LeaseHandlers): void {
    this.handlers = handlers;
  }

  send(report: LeaseReport): void {
    this.ledger.report(ONLY_HOLDER, report, this.onGrant);
  }

  storeUp(): 0 | 1 | undefined {
    if (this.shared === undefined) return undefined;
    return this.shared.isUp ? 1 : 0;
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.shared?.close();
  }
}
