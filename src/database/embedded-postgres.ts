import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { reasonOf, StartUpError } from '../config/start-up.error';
import { postgresAccount } from './embedded/postgres-account';
import type { PostgresAccount } from './embedded/postgres-account';
import { findPostgresBinaries } from './embedded/postgres-binaries';
import type { PostgresBinaries } from './embedded/postgres-binaries';
import { clusterPassword, DATABASE_USER, makeCluster } from './embedded/postgres-cluster';
import { databaseUrl, serverArguments, socketAddress, socketLockPath } from './embedded/postgres-settings';
import type { PostgresAddress } from './embedded/postgres-settings';
import { isServerOf, postmasterPath, readPostmasterFile } from './embedded/postmaster-file';
import { run, spawnCommand } from './embedded/run';

const POLL_MS = 20;
const WATCH_MS = 1_000;
const STOP_TIMEOUT_SECONDS = 60;
const MAX_LOG_BYTES = 16 * 1024 * 1024;
const FIRST_RESTART_MS = 100;
const LAST_RESTART_MS = 10_000;

export interface EmbeddedPostgresOptions {
  /** Exists and is writable. The cluster is in its folder `postgres`. */
  readonly dataDir: string;
  /** Processes of the gateway, which the server has connections for; default 1. One that still runs keeps what it has. */
  readonly workers?: number;
  /** Told when the server ended without being asked to, and is started again. */
  readonly onCrash: (reason: string) => void;
}

/**
 * A PostgreSQL server of our own in the data folder. It runs detached, survives a kill of the gateway, and is then adopted
 * by the next one. The caller makes sure that only one gateway at a time works on the folder.
 */
export class EmbeddedPostgres {
  private isStopping = false;
  private watch: NodeJS.Timeout | undefined;
  private restarting: Promise<void> | undefined;

  private constructor(
    private readonly cluster: string,
    private readonly address: PostgresAddress,
    private readonly binaries: PostgresBinaries,
    private readonly account: PostgresAccount,
    private readonly workers: number,
    private readonly onCrash: (reason: string) => void,
  ) {}

  /**
   * Makes the cluster at first start, and starts the server unless it still runs. Resolves when it accepts connections.
   *
   * @throws StartUpError when that can't be
   */
  static async start(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
    const { workers = 1, onCrash } = options;
    const binaries = findPostgresBinaries();
    const cluster = join(options.dataDir, 'postgres');
    const account = postgresAccount(cluster, dirname(binaries.postgres));
    await makeCluster(cluster, binaries, account);
    assertReadable(cluster);

    const running = readPostmasterFile(cluster);
    if (running !== undefined && isServerOf(cluster, running.pid)) {
      const address = socketAddress(cluster) ?? { kind: 'tcp', port: running.port };
      const server = new EmbeddedPostgres(cluster, address, binaries, account, workers, onCrash);
      await server.adopt(running.pid);
      return server;
    }
    // Of a server that was killed: its process id may be another program's by now, which PostgreSQL would take for a server.
    // That in the lock of its socket counts as well, also when it is a zombie that nobody has waited for.
    rmSync(postmasterPath(cluster), { force: true });
    rmSync(socketLockPath(cluster), { force: true });
    const address = socketAddress(cluster) ?? { kind: 'tcp', port: await freePort() };
    const server = new EmbeddedPostgres(cluster, address, binaries, account, workers, onCrash);
    await server.spawn();
    return server;
  }

  /** For `DATABASE_URL`; holds the password. Stays the same over restarts of the server. */
  get url(): string {
    return databaseUrl(this.address, DATABASE_USER, clusterPassword(this.cluster));
  }

  /** Ends the sessions that are left, writes everything to disk and resolves when the server is gone. */
  async stop(): Promise<void> {
    this.isStopping = true;
    clearTimeout(this.watch);
    await this.restarting;
    if (readPostmasterFile(this.cluster) === undefined) return;
    const pgCtl = ['stop', '-D', this.cluster, '-m', 'fast', '-w', '-t', String(STOP_TIMEOUT_SECONDS), '-s'];
    await run(this.account.command(this.binaries.pgCtl, pgCtl)).catch((error: unknown) => {
      if (readPostmasterFile(this.cluster) !== undefined) throw error;
    });
  }

  private async spawn(): Promise<void> {
    this.account.own(this.cluster);
    const logPath = `${this.cluster}.log`;
    const logStart = prepareLog(logPath);
    const log = openSync(logPath, 'a', 0o640);
    const server = spawnCommand(
      this.account.command(this.binaries.postgres, serverArguments(this.cluster, this.address, this.workers)),
      ['ignore', log, log],
    );
    closeSync(log);
    const ended = endOf(server);
    if (
      !(await this.isReady(
        () => server.exitCode !== null || server.signalCode !== null || server.pid === undefined,
        server.pid,
      ))
    ) {
      const reason = fatalLine(logPath, logStart) ?? (await ended);
      throw new StartUpError(`The embedded PostgreSQL did not start: ${reason} (see ${logPath})`);
    }
    server.unref();
    void ended.then((reason) => {
      this.crashed(reason);
    });
  }

  /** Takes over a server that an earlier gateway left behind. It is not our child, so its end shows only by looking. */
  private async adopt(pid: number): Promise<void> {
    const hasEnded = () => !isServerOf(this.cluster, pid);
    if (!(await this.isReady(hasEnded, pid))) {
      await this.spawn();
      return;
    }
    const look = () => {
      if (hasEnded()) {
        this.crashed('it is gone');
        return;
      }
      this.watch = setTimeout(look, WATCH_MS).unref();
    };
    look();
  }

  /** However long recovery after a crash takes: until the server `pid` is ready, or has ended (false). */
  private async isReady(hasEnded: () => boolean, pid: number | undefined): Promise<boolean> {
    while (!hasEnded()) {
      const postmaster = readPostmasterFile(this.cluster);
      if (postmaster?.pid === pid && postmaster?.isReady === true) return true;
      await delay(POLL_MS);
    }
    return false;
  }

  private crashed(reason: string): void {
    if (this.isStopping) return;
    this.onCrash(reason);
    this.restarting = this.restart(FIRST_RESTART_MS);
  }

  private async restart(delayMs: number): Promise<void> {
    await delay(delayMs);
    if (this.isStopping) return;
    try {
      await this.spawn();
    } catch (error) {
      this.onCrash(reasonOf(error));
      await this.restart(Math.min(delayMs * 2, LAST_RESTART_MS));
    }
  }
}

/** The URL of the cluster in `dataDir`, where a gateway runs it; for programs beside it, such as the migration commands. */
export function runningPostgresUrl(dataDir: string): string | undefined {
  const cluster = join(dataDir, 'postgres');
  const running = readPostmasterFile(cluster);
  if (running?.isReady !== true || !isServerOf(cluster, running.pid)) return undefined;
  const address = socketAddress(cluster) ?? { kind: 'tcp', port: running.port };
  return databaseUrl(address, DATABASE_USER, clusterPassword(cluster));
}

function assertReadable(cluster: string): void {
  try {
    readFileSync(join(cluster, 'PG_VERSION'));
  } catch (error) {
    throw new StartUpError(
      `The database in ${cluster} belongs to another user (${reasonOf(error)}): start Vaultaire as that user`,
      { cause: error },
    );
  }
}

/** @returns length of the log so far, after making room in it */
function prepareLog(path: string): number {
  const bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (bytes <= MAX_LOG_BYTES) return bytes;
  truncateSync(path);
  return 0;
}

function fatalLine(logPath: string, start: number): string | undefined {
  const lines = readFileSync(logPath).subarray(start).toString('utf8').split('\n');
  const line = lines.find((text) => /\b(FATAL|PANIC|error|cannot|could not|refused|failed)\b/i.test(text));
  return line?.replace(/^.*?\b(FATAL|PANIC):\s*/, '').trim();
}

async function endOf(server: ChildProcess): Promise<string> {
  try {
    await once(server, 'exit');
    return `it ended with ${String(server.exitCode ?? server.signalCode)}`;
  } catch (error) {
    return reasonOf(error);
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
