import cluster from 'node:cluster';
import type { Worker } from 'node:cluster';
import { join } from 'node:path';
import { childVariables } from '../config/environment';
import { StartUpError } from '../config/start-up.error';
import { DRAIN_TIMEOUT_MS } from './drain';
import type { ListeningPorts } from './gateway';
import { logLine } from './process-log';
import { isProcessMessage } from './process-messages';
import type { ProcessMessage } from './process-messages';

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 10_000;
/** So many processes in a row that ended before they served: it won't get better by trying. */
const MAX_FAILED_STARTS = 5;
/**
 * Megabytes for young and old objects. Left to itself, V8 sizes them after the machine, and a worker that lists much grows by
 * hundreds of megabytes of garbage; measured with these: half of that, at the same rate of requests.
 */
const MEMORY_FLAGS = ['--max-semi-space-size=4', '--max-old-space-size=256'];
/** Beyond the drain itself: closing connections and writing the event log. */
const STOP_GRACE_MS = 15_000;

/** A worker that died while it was told: nobody has to drain it. Without a callback that would be an error event. */
const ignore = (): void => undefined;

/** The processes that serve one pair of ports. One that dies is replaced. */
export class WorkerPool {
  private readonly failed = Promise.withResolvers<never>();
  private failedStarts = 0;
  private isStopping = false;

  constructor(
    private readonly size: number,
    private readonly databaseUrl: string,
  ) {
    cluster.setupPrimary({
      exec: join(__dirname, 'worker.process.js'),
      execArgv: [...process.execArgv, ...MEMORY_FLAGS],
    });
    this.failed.promise.catch(() => undefined);
  }

  /** Rejects when workers die again and again before they serve. */
  get givenUp(): Promise<never> {
    return this.failed.promise;
  }

  /**
   * Resolves when all workers serve.
   *
   * @throws StartUpError with the reason of the first that can't; the others still run
   */
  async start(): Promise<ListeningPorts> {
    const [ports] = await Promise.all(Array.from({ length: this.size }, () => this.fork()));
    if (ports === undefined) throw new Error('there are no workers');
    return ports;
  }

  /** Lets every worker drain and end. `hurry` kills those that are left. */
  async stop(hurry: Promise<void>): Promise<void> {
    this.isStopping = true;
    const workers = livingWorkers();
    const allGone = Promise.all(workers.map((worker) => exitOf(worker)));
    const kill = (): void => {
      for (const worker of livingWorkers()) worker.process.kill('SIGKILL');
    };
    const timer = setTimeout(kill, DRAIN_TIMEOUT_MS + STOP_GRACE_MS);
    void hurry.then(kill);
    for (const worker of workers) stopDealingConnections(worker);
    const drain: ProcessMessage = { kind: 'vaultaire:drain' };
    for (const worker of workers) if (worker.isConnected()) worker.send(drain, ignore);
    await allGone;
    clearTimeout(timer);
  }

  private async fork(): Promise<ListeningPorts> {
    const worker = cluster.fork(childVariables(this.databaseUrl));
    const ports = await this.firstWord(worker);
    this.failedStarts = 0;
    logLine('info', 'A worker serves', { worker: worker.process.pid });
    worker.once('exit', (code, signal) => {
      if (this.isStopping) return;
      logLine('error', `Worker ${worker.process.pid ?? 0} ended with ${signal || String(code)} and is replaced`);
      void this.replace(0);
    });
    return ports;
  }

  /** What a new worker tells first: its ports, or why it can't serve. */
  private firstWord(worker: Worker): Promise<ListeningPorts> {
    return new Promise((resolve, reject) => {
      worker.on('message', (message: unknown) => {
        if (!isProcessMessage(message)) return;
        if (message.kind === 'vaultaire:listening') resolve(message.ports);
        if (message.kind === 'vaultaire:failed') reject(new StartUpError(message.message));
      });
      worker.once('exit', (code, signal) => {
        reject(new StartUpError(`A worker process ended with ${signal || String(code)} before it could serve`));
      });
    });
  }

  private async replace(delayMs: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    if (this.isStopping) return;
    try {
      await this.fork();
    } catch (error) {
      this.failedStarts += 1;
      const failure = error instanceof Error ? error.message : String(error);
      logLine('error', `A worker could not start: ${failure}`);
      if (this.failedStarts >= MAX_FAILED_STARTS) {
        this.failed.reject(
          new StartUpError(`${MAX_FAILED_STARTS} workers in a row could not start, the last one because: ${failure}`),
        );
        return;
      }
      await this.replace(Math.min(Math.max(delayMs * 2, FIRST_RETRY_MS), LAST_RETRY_MS));
    }
  }
}

/**
 * Takes a worker out of the round robin. When the last one is out, the cluster module closes the ports; what it dealt out
 * before reaches the worker ahead of the request to drain. The module does so when a worker disconnects, and offers no
 * other way: left to the workers' own closing, a connection that is dealt at that moment belongs to nobody, and its client
 * waits until the primary ends.
 */
function stopDealingConnections(worker: Worker): void {
  worker.process.emit('disconnect');
}

function livingWorkers(): Worker[] {
  return Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
}

function exitOf(worker: Worker): Promise<void> {
  return new Promise((resolve) => {
    if (worker.isDead()) resolve();
    else
      worker.once('exit', () => {
        resolve();
      });
  });
}
