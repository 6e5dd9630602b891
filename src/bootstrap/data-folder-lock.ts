import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { rmSync, statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reasonOf, StartUpError } from '../config/start-up.error';

/**
 * Sees to it that one gateway at a time works on a data folder. The lock is a listening local socket: the system gives it
 * to one process and takes it back when this ends, however it ends. On Linux and Windows its name lives in no file system,
 * so nothing stale can be left; elsewhere a socket file of a killed process is recognised by refusing connections.
 */
export class DataFolderLock {
  private constructor(private readonly server: Server) {}

  /** @throws StartUpError when another gateway holds the folder */
  static async acquire(dataDir: string): Promise<DataFolderLock> {
    const path = socketPath(dataDir);
    try {
      return new DataFolderLock(await listen(path));
    } catch (error) {
      if (reasonOf(error) !== 'EADDRINUSE') throw error;
    }
    if (isFile(path) && (await isStale(path))) {
      rmSync(path, { force: true });
      return new DataFolderLock(await listen(path));
    }
    throw new StartUpError(
      `The data folder ${dataDir} is in use by another Vaultaire: stop it, or set VAULTAIRE_DATA_DIR`,
    );
  }

  async release(): Promise<void> {
    this.server.close();
    await once(this.server, 'close');
  }
}

/** Named after the folder itself, not its path: a mount or a link leads to the same lock. */
function socketPath(dataDir: string): string {
  const { dev, ino } = statSync(dataDir, { bigint: true });
  const name = `vaultaire-${createHash('sha256').update(`${dev}:${ino}`).digest('hex').slice(0, 32)}`;
  if (process.platform === 'linux') return `\0${name}`;
  if (process.platform === 'win32') return `\\\\.\\pipe\\${name}`;
  return join(tmpdir(), `${name}.sock`);
}

function isFile(path: string): boolean {
  return !path.startsWith('\0') && process.platform !== 'win32';
}

async function listen(path: string): Promise<Server> {
  const server = createServer((socket) => {
    socket.destroy();
  });
  server.listen({ path, exclusive: true });
  await once(server, 'listening');
  server.unref();
  return server;
}

async function isStale(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return false;
  } catch (error) {
    return reasonOf(error) === 'ECONNREFUSED';
  } finally {
    socket.destroy();
  }
}
