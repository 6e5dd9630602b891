import { fork } from 'node:child_process';
import { join } from 'node:path';
import { StartUpError } from '../config/start-up.error';
import type { Environment } from '../config/environment';
import { childVariables } from '../config/environment';
import { serveClusterMetrics } from '../metrics/cluster-metrics';
import type { ClusterLimits } from '../tenant/throttling/cluster-limits';
import { serveClusterLimits } from '../tenant/throttling/cluster-limits';
import { logLine } from './process-log';
import type { FirstCredentials } from './prepare-database';
import { isProcessMessage } from './process-messages';
import type { RunningGateway } from './running-gateway';
import type { StopSignal } from './stop-signal';
import { WorkerPool } from './worker-pool';

/** Serves by several processes on the same ports. This one only watches over them and stays small. */
export class ClusterGateway implements RunningGateway {
  private readonly workers: WorkerPool;
  private limits: ClusterLimits | undefined;

  constructor(
    private readonly environment: Environment,
    private readonly databaseUrl: string,
  ) {
    serveClusterMetrics();
    this.workers = new WorkerPool(environment.workers, databaseUrl);
  }

  get givenUp(): Promise<never> {
    return this.workers.givenUp;
  }

  prepare(): Promise<FirstCredentials> {
    const child = fork(join(__dirname, 'set-up.process.js'), { env: childVariables(this.databaseUrl) });
    return new Promise((resolve, reject) => {
      let lastWord: unknown;
      child.on('message', (message: unknown) => {
        lastWord = message;
      });
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        if (isProcessMessage(lastWord) && lastWord.kind === 'vaultaire:prepared') resolve(lastWord.credentials);
        else if (isProcessMessage(lastWord) && lastWord.kind === 'vaultaire:failed')
          reject(new StartUpError(lastWord.message));
        else reject(new StartUpError(`The database set-up ended with ${signal ?? String(code)}`));
      });
    });
  }

  async start(): ReturnType<WorkerPool['start']> {
    this.limits = await startLimits(this.environment);
    return this.workers.start();
  }

  async stop(signal: StopSignal): Promise<void> {
    await this.workers.stop(signal.second);
    await this.limits?.close();
  }
}

/** The client of Redis is loaded only where there is one, so that this process stays small. */
async function startLimits({ redisUrl }: Environment): Promise<ClusterLimits> {
  if (redisUrl === undefined) return serveClusterLimits();
  const { RedisBuckets } = await import('../tenant/throttling/redis-buckets.js');
  return serveClusterLimits(new RedisBuckets(redisUrl, logLine));
}
