import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { rmSync, statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reasonOf } from './start-up.error';

/**
 * Gives a folder to one process of this machine at a time. The lock is a listening local socket: the system gives it to one
 * process and takes it back when this ends, however it ends. On Linux and Windows its name lives in no file system, so
 * nothing stale can be left; elsewhere a socket file of a killed process is recognised by refusing connections.
 */
export class FolderLock {
  private constructor(private readonly server: Server) {}

  /** Undefined when another process holds the folder, which must exist. */
  static async tryAcquire(folder: string): Promise<FolderLock | undefined> {
    const path = socketPath(folder);
    try {
      return new FolderLock(await listen(path));
    } catch (error) {
      if (reasonOf(error) !== 'EADDRINUSE') throw error;
    }
    if (!isFile(path) || !(await isStale(path))) return undefined;
    rmSync(path, { force: true });
    return new FolderLock(await listen(path));
  }

  async release(): Promise<void> {
    this.server.close();
    await once(this.server, 'close');
  }
}

/** Named after the folder itself, not its path: a mount or a link leads to the same lock. */
function socketPath(folder: string): string {
  const { dev, ino } = statSync(folder, { bigint: true });
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
