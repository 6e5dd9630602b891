import cluster from 'node:cluster';
import { AggregatorRegistry } from 'prom-client';
import type { MetricsMessage, MetricsSnapshot } from './cluster-messages';
import { isMetricsMessage } from './cluster-messages';

/** A worker that does not answer in time stands in the sum with what it said last. */
const COLLECT_TIMEOUT_MS = 2_000;

const ignore = (): void => undefined;

/** A worker process as the sum needs it. */
export interface MetricsWorker {
  readonly id: number;
  isConnected(): boolean;
  /** `callback` is told of a process that died meanwhile; without one that would be an error event that nobody expects. */
  send(message: MetricsMessage, callback: (error: Error | null) => void): unknown;
}

/**
 * Adds up the metrics of all workers, in the process that forked them.
 *
 * Counters and histograms of a worker that is gone stay in the sum as it last told them, so that no series goes back when a
 * worker is replaced.
 */
export class ClusterMetrics {
  private readonly latest = new Map<number, MetricsSnapshot>();
  private departed: Promise<MetricsSnapshot> = Promise.resolve([]);
  private awaited = new Set<number>();
  private allAnswered: () => void = () => undefined;
  private scrapeUnderway: Promise<string> | undefined;

  constructor(private readonly workers: () => readonly MetricsWorker[]) {}

  /** The sum, in the text format of Prometheus. Scrapes at the same time share one. */
  scrape(): Promise<string> {
    this.scrapeUnderway ??= this.collect().finally(() => {
      this.scrapeUnderway = undefined;
    });
    return this.scrapeUnderway;
  }

  received(worker: MetricsWorker, message: MetricsMessage): void {
    if (message.kind === 'vaultaire:metrics:snapshot') {
      this.latest.set(worker.id, message.metrics);
      this.answered(worker.id);
    } else if (message.kind === 'vaultaire:metrics:scrape') {
      const { scrapeId } = message;
      const reply = (text: string | undefined): void => {
        if (worker.isConnected()) worker.send({ kind: 'vaultaire:metrics:scraped', scrapeId, text }, ignore);
      };
      this.scrape().then(reply, () => {
        reply(undefined);
      });
    }
  }

  exited(workerId: number): void {
    const last = this.latest.get(workerId);
    this.latest.delete(workerId);
    if (last !== undefined) {
      const lasting = last.filter(({ type }) => isCumulative(type));
      this.departed = this.departed.then((departed) => sum([departed, lasting]).getMetricsAsJSON());
    }
    this.answered(workerId);
  }

  private async collect(): Promise<string> {
    const workers = this.workers().filter((worker) => worker.isConnected());
    if (workers.length > 0) {
      this.awaited = new Set(workers.map(({ id }) => id));
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, COLLECT_TIMEOUT_MS);
        this.allAnswered = () => {
          clearTimeout(timer);
          resolve();
        };
        for (const worker of workers) worker.send({ kind: 'vaultaire:metrics:collect' }, ignore);
      });
    }
    return sum([await this.departed, ...this.latest.values()]).metrics();
  }

  private answered(workerId: number): void {
    if (this.awaited.delete(workerId) && this.awaited.size === 0) this.allAnswered();
  }
}

/** Called once in the cluster's primary: answers its workers' scrapes. */
export function serveClusterMetrics(): void {
  const metrics = new ClusterMetrics(() =>
    Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined),
  );
  cluster.on('message', (worker, message: unknown) => {
    if (isMetricsMessage(message)) metrics.received(worker, message);
  });
  cluster.on('exit', (worker) => {
    metrics.exited(worker.id);
  });
}

function sum(snapshots: readonly MetricsSnapshot[]): ReturnType<typeof AggregatorRegistry.aggregate> {
  return AggregatorRegistry.aggregate([...snapshots]);
}

/** prom-client declares the type as an enum and sets it to a name. */
function isCumulative(type: unknown): boolean {
  return type === 'counter' || type === 'histogram';
}
