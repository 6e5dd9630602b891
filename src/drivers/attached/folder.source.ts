import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { constants } from 'node:fs';
import { open, opendir, realpath, stat, unlink } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { Readable } from 'node:stream';
import type { ByteSpan } from '../byte-range';
import { DriverError } from '../driver.errors';
import type { ForeignObject, KnownObject } from './foreign-source';
import { ForeignSource } from './foreign-source';

const GONE = new Set(['ENOENT', 'ENOTDIR', 'ELOOP']);

/**
 * The files below a folder. Links are neither followed nor listed. The ETag comes from size, time and inode, since a digest would
 * take a reading of all bytes; its `-1` tells clients that it is no MD5.
 */
export class FolderSource extends ForeignSource {
  constructor(
    readonly name: string,
    private readonly root: string,
  ) {
    super();
  }

  async check(): Promise<void> {
    try {
      const folder = await opendir(this.root);
      await folder.read();
      await folder.close();
    } catch (cause) {
      throw new DriverError('Unavailable', 'the folder is away', { cause });
    }
  }

  /** In the order of UTF-16 code units; the names of one folder at a time are in memory. */
  async *keys(after: string | undefined, signal: AbortSignal): AsyncGenerator<string> {
    yield* this.keysIn('', after ?? '', signal);
  }

  async describe(key: string): Promise<ForeignObject | undefined> {
    try {
      const stats = await stat(await this.pathOf(key), { bigint: true });
      const modifiedAt = new Date(Number(stats.mtimeMs));
      const common = { contentType: undefined, headers: {}, metadata: {} };
      return { key, sizeBytes: Number(stats.size), etag: etagOf(stats), modifiedAt, ...common };
    } catch (error) {
      const failure = asDriverError(error);
      if (failure.kind === 'NotFound') return undefined;
      throw failure;
    }
  }

  async read(object: KnownObject, span: ByteSpan, signal: AbortSignal): Promise<Readable> {
    try {
      const file = await open(await this.pathOf(object.key), constants.O_RDONLY | constants.O_NOFOLLOW);
      if (etagOf(await file.stat({ bigint: true })) !== object.etag) {
        await file.close();
        throw new DriverError('Corrupted', 'a file has changed since it was attached');
      }
      return file.createReadStream({ start: span.start, end: span.endExclusive - 1, signal });
    } catch (error) {
      throw asDriverError(error);
    }
  }

  async remove({ key, etag }: Pick<KnownObject, 'key' | 'etag'>): Promise<void> {
    try {
      const path = await this.pathOf(key);
      const isLinked = path !== join(await realpath(this.root), key);
      if (!isLinked && etagOf(await stat(path, { bigint: true })) === etag) await unlink(path);
    } catch (error) {
      const failure = asDriverError(error);
      if (failure.kind !== 'NotFound') throw failure;
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private async *keysIn(prefix: string, after: string, signal: AbortSignal): AsyncGenerator<string> {
    for (const name of await this.namesIn(prefix)) {
      signal.throwIfAborted();
      const key = prefix + name;
      const isBefore = key <= after && !after.startsWith(key);
      if (isBefore) continue;
      if (name.endsWith('/')) yield* this.keysIn(key, after, signal);
      else if (key > after) yield key;
    }
  }

  /** Of files, and of folders with a slash at the end, so that their order is that of the keys. */
  private async namesIn(prefix: string): Promise<string[]> {
    const names: string[] = [];
    try {
      for await (const entry of await opendir(join(this.root, prefix))) {
        if (entry.isDirectory()) names.push(`${entry.name}/`);
        else if (entry.isFile()) names.push(entry.name);
      }
    } catch (error) {
      const failure = asDriverError(error);
      // A folder that went away while it was walked, but not the one that all are in.
      if (prefix === '' || failure.kind !== 'NotFound') throw failure;
    }
    return names.sort();
  }

  /** Rejects with `Unavailable` where the folder itself is away, `NotFound` where a link leads out of it. */
  private async pathOf(key: string): Promise<string> {
    const root = await realpath(this.root).catch((cause: unknown) => {
      throw new DriverError('Unavailable', 'the folder is away', { cause });
    });
    const path = await realpath(join(root, key));
    if (!path.startsWith(root + sep)) throw new DriverError('NotFound', 'a file is not in its folder any more');
    return path;
  }
}

function etagOf({ size, mtimeNs, ino }: BigIntStats): string {
  return `${createHash('md5').update([size, mtimeNs, ino].join(':')).digest('hex')}-1`;
}

function asDriverError(error: unknown): DriverError {
  if (error instanceof DriverError) return error;
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  if (GONE.has(code)) return new DriverError('NotFound', 'a file is gone', { cause: error });
  const kind = code === 'EACCES' || code === 'EPERM' ? 'PermissionDenied' : 'Unavailable';
  return new DriverError(kind, `a folder could not be read (${code})`, { cause: error });
}
