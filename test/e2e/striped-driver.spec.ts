import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BlobBackend } from './s3-suite';
import { describeOn } from './s3-suite';

const FOLDERS = ['a', 'b', 'c'];

/** Chunks so small that the bodies of tests have several; at the end each folder must have been used. */
async function threeFolders(): Promise<BlobBackend> {
  const root = await mkdtemp(join(tmpdir(), 'vaultaire-striped-'));
  return {
    config: {
      drivers: [
        { name: 'striped', type: 'striped', over: FOLDERS, chunkBytes: 64 * 1024 },
        ...FOLDERS.map((name) => ({ name, type: 'local', path: join(root, name), durability: 'none' })),
      ],
      engine: { inlineMaxBytes: 0 },
    },
    stop: async () => {
      const used = await Promise.all(FOLDERS.map((name) => readdir(join(root, name, 'tenant'))));
      await rm(root, { recursive: true });
      for (const [at, tenants] of used.entries())
        if (tenants.length === 0) throw new Error(`nothing was ever written to ${FOLDERS[at] ?? ''}`);
    },
  };
}

describeOn('blobs in stripes over three folders', threeFolders, ['objects', 'multipart', 'ranges', 'copy']);
