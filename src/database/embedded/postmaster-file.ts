import { readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { reasonOf } from '../../config/start-up.error';

/** What a running PostgreSQL says of itself in `postmaster.pid`. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
  /** It accepts connections. */
  readonly isReady: boolean;
}

const PID_LINE = 0;
const PORT_LINE = 3;
const STATUS_LINE = 7;

/** Undefined when there is no file, or one that is still being written. */
export function readPostmasterFile(clusterFolder: string): Postmaster | undefined {
  let text: string;
  try {
    text = readFileSync(postmasterPath(clusterFolder), 'utf8');
  } catch (error) {
    if (reasonOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  const lines = text.split('\n');
  const pid = Number(lines[PID_LINE]);
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  return { pid, port: Number(lines[PORT_LINE] ?? 0), isReady: lines[STATUS_LINE]?.trim() === 'ready' };
}

export function postmasterPath(clusterFolder: string): string {
  return join(clusterFolder, 'postmaster.pid');
}

/**
 * A process with this id runs and, as far as the system tells, is the server of this cluster: the id of a server that was
 * killed may belong to another program by now, above all in a container, where ids begin anew.
 */
export function isServerOf(clusterFolder: string, pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (reasonOf(error) === 'ESRCH') return false;
  }
  if (process.platform !== 'linux') return true;
  try {
    // A server works in its data folder.
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(clusterFolder);
  } catch (error) {
    // Hidden from this user: not a server that this user could have started.
    return reasonOf(error) !== 'EACCES' && reasonOf(error) !== 'ENOENT' && reasonOf(error) !== 'EPERM';
  }
}
