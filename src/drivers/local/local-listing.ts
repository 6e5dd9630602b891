import { lstat, opendir } from 'node:fs/promises';
import type { Dir, Dirent } from 'node:fs';
import type { TenantId } from '../../context/ids';
import { isBlobName, keyOfBlobName } from '../driver-keys';
import type { BlobListing } from '../driver';
import { errorCode } from './local-errors';
import { PARTIAL_SUFFIX } from './local-layout';

/** Names looked at together: enough to keep the thread pool busy, few enough to be nothing in memory. */
const BATCH_NAMES = 32;
const FAN_OUT_NAME = /^[0-9a-f]{3}$/;

/** The blobs below a tenant's folder, with memory bounded by one batch of names. Errors are the system's own. */
export async function* listFolder(tenant: TenantId, tenantFolder: string): AsyncGenerator<BlobListing> {
  for await (const folder of entriesOf(tenantFolder)) {
    if (!folder.isDirectory() || !FAN_OUT_NAME.test(folder.name)) continue;
    const path = `${tenantFolder}/${folder.name}`;
    let names: string[] = [];
    for await (const entry of entriesOf(path)) {
      if (!entry.isFile()) continue;
      names.push(entry.name);
      if (names.length < BATCH_NAMES) continue;
      yield* listingsOf(tenant, path, names);
      names = [];
    }
    yield* listingsOf(tenant, path, names);
  }
}

async function* listingsOf(tenant: TenantId, folder: string, names: readonly string[]): AsyncGenerator<BlobListing> {
  const listings = await Promise.all(names.map((name) => listingOf(tenant, folder, name)));
  for (const listing of listings) if (listing !== undefined) yield listing;
}

async function listingOf(tenant: TenantId, folder: string, fileName: string): Promise<BlobListing | undefined> {
  const isPartial = fileName.endsWith(PARTIAL_SUFFIX);
  const name = isPartial ? fileName.slice(0, -PARTIAL_SUFFIX.length) : fileName;
  if (!isBlobName(name)) return undefined;
  try {
    const stats = await lstat(`${folder}/${fileName}`);
    return { key: keyOfBlobName(tenant, name), sizeBytes: stats.size, modifiedAt: stats.mtime, isPartial };
  } catch (error) {
    // Deleted or completed since the folder was read.
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function* entriesOf(path: string): AsyncGenerator<Dirent> {
  let folder: Dir;
  try {
    folder = await opendir(path, { bufferSize: 256 });
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw error;
  }
  yield* folder;
}
