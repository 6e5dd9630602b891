import type { LeaseGrant, LeaseHandlers, LeaseReport } from './leases';
import { LeaseChannel } from './leases';
import type { LimitMessage } from './limit-messages';
import { isLimitMessage } from './limit-messages';

/** A primary that died meanwhile: this process ends too. */
const ignore = (): void => undefined;

/** The buckets are in the primary process. What is reported in one turn of the event loop goes in one message. */
export class WorkerLeaseChannel extends LeaseChannel {
  private handlers: LeaseHandlers | undefined;
  private outbox: LeaseReport[] = [];
  private isStoreUp: boolean | undefined;
  private readonly flush = (): void => {
    const reports = this.outbox;
    this.outbox = [];
    const message: LimitMessage = { kind: 'vaultaire:limits:reports', reports };
    if (process.send !== undefined && process.connected) process.send(message, undefined, {}, ignore);
    else this.grantAll(reports);
  };

  private readonly onMessage = (message: unknown): void => {
    if (!isLimitMessage(message)) return;
    if (message.kind === 'vaultaire:limits:grants') for (const grant of message.grants) this.handlers?.granted(grant);
    else if (message.kind === 'vaultaire:limits:recall') this.handlers?.recalled(message.key);
    else if (message.kind === 'vaultaire:limits:store') this.isStoreUp = message.isUp;
  };

  connect(handlers: LeaseHandlers): void {
    this.handlers = handlers;
    process.on('message', this.onMessage);
    const hello: LimitMessage = { kind: 'vaultaire:limits:reports', reports: [] };
    process.send?.(hello, undefined, {}, ignore);
  }

  send(report: LeaseReport): void {
    this.outbox.push(report);
    if (this.outbox.length === 1) process.nextTick(this.flush);
  }

  storeUp(): 0 | 1 | undefined {
    if (this.isStoreUp === undefined) return undefined;
    return this.isStoreUp ? 1 : 0;
  }

  close(): Promise<void> {
    process.off('message', this.onMessage);
    return Promise.resolve();
  }

  /** The primary is gone, and this process ends: what it still has in hand is let through. */
  private grantAll(reports: readonly LeaseReport[]): void {
    for (const { ask, need } of reports) {
      const grant: LeaseGrant = { ask, granted: need, spare: 0, waitMs: 0 };
      if (ask !== 0) this.handlers?.granted(grant);
    }
  }
}
