import { vaultaireBackend } from '../support/s3-backends';
import type { RunningVaultaire } from '../support/start-vaultaire';
import { startVaultaire } from '../support/start-vaultaire';
import { describeOn } from './s3-suite';

let behind: RunningVaultaire | undefined;

async function bucketBehind(): ReturnType<typeof vaultaireBackend> {
  behind ??= await startVaultaire();
  return vaultaireBackend(behind);
}

afterAll(async () => {
  await behind?.stop();
});

/** The one behind verifies every signature, condition and checksum of the S3 driver of the one in front. */
describeOn('blobs on another Vaultaire', bucketBehind, [
  'buckets',
  'checksums',
  'conditional',
  'copy',
  'events',
  'listing',
  'metadata',
  'multipart',
  'objects',
  'presigned',
  'ranges',
  'versioning',
]);
