import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readPostmasterFile } from '../../src/database/embedded/postmaster-file';
import { until } from '../support/until';

/** Kills the embedded PostgreSQL of a data folder, every process of it. Linux only. */
export async function killPostgres(dataDir: string): Promise<void> {
  const postmaster = readPostmasterFile(join(dataDir, 'postgres'));
  if (postmaster === undefined) throw new Error('no PostgreSQL runs');
  const children = childrenOf(postmaster.pid);
  // The first one first: it would only end the others in order.
  for (const pid of [postmaster.pid, ...children]) kill(pid);
  await until('PostgreSQL is gone', () => ![postmaster.pid, ...children].some(isRunning));
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => statOf(pid)?.parent === parent);
}

function isRunning(pid: number): boolean {
  const state = statOf(pid)?.state;
  return state !== undefined && state !== 'Z';
}

/** Undefined for a process that is gone. */
function statOf(pid: number): { readonly state: string | undefined; readonly parent: number } | undefined {
  try {
    const text = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    const [state, parent] = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}
