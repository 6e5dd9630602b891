import cluster from 'node:cluster';
import type { LeaseGrant } from './leases';
import type { LimitMessage } from './limit-messages';
import { isLimitMessage } from './limit-messages';
import { LimitLedger } from './limit-ledger';
import type { SharedBuckets } from './shared-buckets';

const SWEEP_INTERVAL_MS = 1_000;

const ignore = (): void => undefined;

/** A worker process as the owner of the buckets needs it. */
export interface LimitWorker {
  readonly id: number;
  isConnected(): boolean;
  /** `callback` is told of a process that died meanwhile; without one that would be an error event that nobody expects. */
  send(message: LimitMessage, callback: (error: Error | null) => void): unknown;
}

/** The owner of the buckets for the workers of a cluster. */
export class ClusterLimits {
  private readonly ledger: LimitLedger;
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly workers: () => readonly LimitWorker[],
    private readonly shared?: SharedBuckets & { onChange(listener: () => void): void },
  ) {
    this.ledger = new LimitLedger({
      ...(shared && { shared }),
      recall: (holder, key) => {
        const worker = this.workers().find(({ id }) => id === holder);
        if (worker !== undefined) tell(worker, { kind: 'vaultaire:limits:recall', key });
      },
    });
    this.timer = setInterval(() => {
      this.ledger.sweep();
    }, SWEEP_INTERVAL_MS);
    this.timer.unref();
    shared?.onChange(() => {
      for (const worker of this.workers()) this.tellStore(worker);
    });
  }

  received(worker: LimitWorker, message: LimitMessage): void {
    if (message.kind !== 'vaultaire:limits:reports') return;
    // A process says hello by reporting nothing.
    if (message.reports.length === 0) this.tellStore(worker);
    let batch: LeaseGrant[] | undefined = [];
    const answer = (grant: LeaseGrant): void => {
      if (batch !== undefined) batch.push(grant);
      else tell(worker, { kind: 'vaultaire:limits:grants', grants: [grant] });
    };
    for (const report of message.reports) this.ledger.report(worker.id, report, answer);
    if (batch.length > 0) tell(worker, { kind: 'vaultaire:limits:grants', grants: batch });
    batch = undefined;
  }

  exited(workerId: number): void {
    this.ledger.forget(workerId);
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    await this.shared?.close();
  }

  private tellStore(worker: LimitWorker): void {
    if (this.shared !== undefined) tell(worker, { kind: 'vaultaire:limits:store', isUp: this.shared.isUp });
  }
}

/** Called once in the cluster's primary: leases to its workers. */
export function serveClusterLimits(shared?: ConstructorParameters<typeof ClusterLimits>[1]): ClusterLimits {
  const limits = new ClusterLimits(
    () => Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined),
    shared,
  );
  cluster.on('message', (worker, message: unknown) => {
    if (isLimitMessage(message)) limits.received(worker, message);
  });
  cluster.on('exit', (worker) => {
    limits.exited(worker.id);
  });
  return limits;
}

function tell(worker: LimitWorker, message: LimitMessage): void {
  if (worker.isConnected()) worker.send(message, ignore);
}
