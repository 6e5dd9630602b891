import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { reasonOf, StartUpError } from './start-up.error';

/**
 * The secret kept in the file `path`, made and stored there (mode 0600, synced to disk) when there is none. Of several
 * processes that start at once exactly one secret wins, and none ever sees half of one.
 *
 * @throws StartUpError when the file can't be read or written
 */
export function readOrCreateSecretFile(path: string, make: () => string): string {
  try {
    return read(path) ?? create(path, make());
  } catch (error) {
    throw new StartUpError(`The file ${path} can't be used: ${reasonOf(error)}`, { cause: error });
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (reasonOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Written aside, then linked: a link appears with its whole content, and only where there was no file. */
function create(path: string, secret: string): string {
  const aside = `${path}.${randomBytes(6).toString('hex')}`;
  const file = openSync(aside, 'wx', 0o600);
  try {
    writeSync(file, `${secret}\n`);
    fsyncSync(file);
    linkSync(aside, path);
    syncFolder(dirname(path));
    return secret;
  } catch (error) {
    if (reasonOf(error) !== 'EEXIST') throw error;
    return readFileSync(path, 'utf8').trim();
  } finally {
    closeSync(file);
    rmSync(aside, { force: true });
  }
}

/** Makes names created in, or renamed into, `folder` durable. Windows can't open folders and needs no such step. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
