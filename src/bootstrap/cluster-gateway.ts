import { fork } from 'node:child_process';
import { join } from 'node:path';
import { childVariables } from '../config/environment';
import { StartUpError } from '../config/start-up.error';
import { serveClusterMetrics } from '../metrics/cluster-metrics';
import type { FirstCredentials } from './prepare-database';
import { isProcessMessage } from './process-messages';
import type { RunningGateway } from './running-gateway';
import type { StopSignal } from './stop-signal';
import { WorkerPool } from './worker-pool';

/** Serves by several processes on the same ports. This one only watches over them and stays small. */
export class ClusterGateway implements RunningGateway {
  private readonly workers: WorkerPool;

  constructor(
    size: number,
    private readonly databaseUrl: string,
  ) {
    serveClusterMetrics();
    this.workers = new WorkerPool(size, databaseUrl);
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

  start(): ReturnType<WorkerPool['start']> {
    return this.workers.start();
  }

  stop(signal: StopSignal): Promise<void> {
    return this.workers.stop(signal.second);
  }
}
