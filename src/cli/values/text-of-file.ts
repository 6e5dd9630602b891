import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { reasonOf } from '../../config/start-up.error';
import { UsageError } from '../command';

/**
 * What a file holds, without white space around it; `-` is standard input. For secrets, which other users of a machine would see
 * among the options of a process.
 *
 * @param what for the message, as `token file`
 * @throws UsageError when it can't be read
 */
export async function textOfFile(what: string, file: string): Promise<string> {
  try {
    return (file === '-' ? await text(process.stdin) : await readFile(file, 'utf8')).trim();
  } catch (cause) {
    throw new UsageError(`The ${what} ${file} can't be read (${reasonOf(cause)})`, { cause });
  }
}
