import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Longer than any single command of these specs takes on a slow machine. */
const COMMAND_TIMEOUT_MS = 300_000;

export interface ProgramOptions {
  /** The whole environment of the program; nothing of ours leaks into it but `PATH`. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Is there an executable of this name on the path? */
export function isInstalled(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Can Python import this module? */
export function hasPythonModule(module: string): boolean {
  return isInstalled('python3') && spawnSync('python3', ['-c', `import ${module}`]).status === 0;
}

/** A group that is skipped, with the reason in its name, where the program is missing. */
export function describeClient(name: string, isPresent: boolean, body: () => void): void {
  if (isPresent) describe(name, body);
  else describe.skip(`${name} (skipped: it is not installed)`, body);
}

/** Runs a program to its end and returns what it printed. Rejects with its words when it fails. */
export async function runProgram(program: string, args: readonly string[], options: ProgramOptions): Promise<string> {
  const { code, stdout, stderr } = await tryProgram(program, args, options);
  if (code === 0) return stdout;
  throw new Error(`${program} ${args.join(' ')} ended with ${code}\n${stdout.slice(-4000)}\n${stderr.slice(-4000)}`);
}

/** Like {@link runProgram}, for a program that is expected to fail. */
export function tryProgram(
  program: string,
  args: readonly string[],
  options: ProgramOptions,
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { PATH: process.env.PATH ?? '', LANG: 'C.UTF-8', ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: COMMAND_TIMEOUT_MS,
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (piece: Buffer) => stdout.push(piece));
    child.stderr.on('data', (piece: Buffer) => stderr.push(piece));
    child.on('error', reject);
    child.on('close', (code) => {
      const text = (pieces: Buffer[]): string => Buffer.concat(pieces).toString('utf8');
      resolve({ code: code ?? -1, stdout: text(stdout), stderr: text(stderr) });
    });
  });
}
