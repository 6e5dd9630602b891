import { Environment } from '../config/environment';
import { EmbeddedPostgres } from '../database/embedded-postgres';
import { banner, generatedCredentials } from './banner';
import { DataFolderLock } from './data-folder-lock';
import { failureText } from './failure';
import { assertPortsFree } from './free-ports';
import { logLine, setLogLevel } from './process-log';
import type { RunningGateway } from './running-gateway';
import { StartCancelled, StopSignal } from './stop-signal';

/**
 * The life of a gateway, from the environment to the last process: database, set-up, serving, draining.
 *
 * @returns the exit code: 0 after a signal, 1 when it could not start or go on
 */
export async function runGateway(): Promise<number> {
  const signal = new StopSignal();
  try {
    const environment = Environment.load();
    setLogLevel(environment.logLevel);
    await assertPortsFree(environment);
    if (environment.databaseUrl !== undefined) await serve(environment, environment.databaseUrl, signal);
    else await serveWithEmbeddedDatabase(environment, signal);
    return 0;
  } catch (error) {
    if (error instanceof StartCancelled) return 0;
    process.stderr.write(`${failureText(error)}\n`);
    return 1;
  }
}

async function serveWithEmbeddedDatabase(environment: Environment, signal: StopSignal): Promise<void> {
  const lock = await DataFolderLock.acquire(environment.dataDir);
  try {
    const postgres = await EmbeddedPostgres.start({
      dataDir: environment.dataDir,
      workers: environment.workers,
      onCrash: (reason) => {
        logLine('error', `The embedded PostgreSQL ended and is started again: ${reason}`);
      },
    });
    try {
      await serve(environment, postgres.url, signal);
    } finally {
      await postgres.stop();
    }
  } finally {
    await lock.release();
  }
}

/** Serves until a signal, or until it can't go on. */
async function serve(environment: Environment, databaseUrl: string, signal: StopSignal): Promise<void> {
  signal.throwIfHeard();
  const gateway = await makeGateway(environment, databaseUrl);
  const credentials = await gateway.prepare();
  let unseenCredentials = generatedCredentials(credentials);
  try {
    signal.throwIfHeard();
    const ports = await gateway.start();
    process.stdout.write(banner(environment, ports, credentials));
    unseenCredentials = undefined;
    logLine('info', 'listening', { host: environment.host, ...ports, workers: environment.workers });
    await Promise.race([signal.first, gateway.givenUp]);
    logLine('info', 'draining');
  } finally {
    if (unseenCredentials !== undefined) process.stdout.write(unseenCredentials);
    await gateway.stop(signal);
  }
  logLine('info', 'stopped');
}

/** Loaded only where needed: the parts of a process that serves would make a primary three times as large. */
async function makeGateway(environment: Environment, databaseUrl: string): Promise<RunningGateway> {
  if (environment.workers === 1) {
    const { SingleGateway } = await import('./single-gateway.js');
    return new SingleGateway(environment, databaseUrl);
  }
  const { ClusterGateway } = await import('./cluster-gateway.js');
  return new ClusterGateway(environment, databaseUrl);
}
