import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** Files that programs get wrong: empty, on the edge of a part, deep, with spaces, signs and letters of many scripts. */
const TREE: Readonly<Record<string, number>> = {
  empty: 0,
  'one-byte': 1,
  'small.txt': 4096,
  'deep/er/and/deeper/file.bin': 70_000,
  'with space/a file & more.txt': 1234,
  'signs/a+b=c%20d~e!(f).txt': 2345,
  'umlaute/Grüße aus Köln.txt': 3456,
  'scripts/文件-ファイル-файл.bin': 4567,
  'emoji/😀.bin': 5678,
  'x/y': 10,
  'x.txt': 20,
  'parts/just-under.bin': 5 * 1024 * 1024 - 1,
  'parts/just-over.bin': 5 * 1024 * 1024 + 1,
  'parts/large.bin': 17 * 1024 * 1024 + 17,
};

/** A folder of its own for one spec; `remove` deletes it. */
export class TemporaryFolder {
  private constructor(readonly path: string) {}

  static async create(): Promise<TemporaryFolder> {
    return new TemporaryFolder(await mkdtemp(join(tmpdir(), 'vaultaire-client-')));
  }

  file(...names: readonly string[]): string {
    return join(this.path, ...names);
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** Fills a folder with files of random bytes. */
export async function writeTree(folder: string): Promise<void> {
  for (const [name, sizeBytes] of Object.entries(TREE)) await writeRandomFile(join(folder, name), sizeBytes);
}

export async function writeRandomFile(path: string, sizeBytes: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, randomBytes(sizeBytes));
}

/** SHA-256 of every file by its path in the folder, sorted: two folders with equal digests hold the same bytes. */
export async function digestsOf(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const digests: Record<string, string> = {};
  for (const file of files.sort()) digests[relative(folder, file)] = await digestOf(file);
  return digests;
}

/** SHA-256 of a file, in hex. */
export async function digestOf(file: string): Promise<string> {
  const digest = createHash('sha256');
  await pipeline(createReadStream(file), digest);
  return digest.digest('hex');
}
