import { spawn } from 'node:child_process';
import type { ChildProcess, StdioOptions } from 'node:child_process';
import type { Command } from './postgres-account';

/** Spawns a PostgreSQL program outside the process group of the gateway, so that Ctrl-C in a terminal doesn't reach it. */
export function spawnCommand(command: Command, stdio: StdioOptions): ChildProcess {
  return spawn(command.file, command.args, {
    detached: true,
    stdio,
    windowsHide: true,
    ...(command.uid === undefined ? {} : { uid: command.uid }),
    ...(command.gid === undefined ? {} : { gid: command.gid }),
    // Windows programs need variables of the system. Elsewhere nothing of the gateway's environment, with its secrets,
    // is handed on, and the folder is one that every account may be in.
    ...(process.platform === 'win32' ? {} : { env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' }, cwd: '/' }),
  });
}

/** Runs a program to its end. Rejects, with the last line it wrote, when it fails. */
export async function run(command: Command): Promise<void> {
  const child = spawnCommand(command, ['ignore', 'ignore', 'pipe']);
  let output = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    output = (output + text).slice(-4096);
  });
  const code = await new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode, signal) => {
      resolve(exitCode ?? signal);
    });
  });
  if (code !== 0) throw new Error(lastLine(output) ?? `ended with ${String(code)}`);
}

export function lastLine(text: string): string | undefined {
  return text
    .split('\n')
    .map((line) => line.trim())
    .findLast((line) => line !== '');
}
