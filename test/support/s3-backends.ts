import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { randomBytes } from 'node:crypto';
import type { BlobBackend } from '../e2e/s3-suite';
import { S3Simulator } from './s3-simulator/s3-simulator';
import { SIMULATED_BACKENDS } from './s3-simulator/simulator-quirks';
import type { RunningVaultaire } from './start-vaultaire';

/** The smallest parts that S3 allows, so that the bodies of tests need several. */
const PART_BYTES = 5 * 1024 * 1024;

/** Configuration of a gateway whose only driver is an S3 backend. No body is kept inline. */
export function s3BackendConfig(driver: object): object {
  return {
    drivers: [{ name: 'remote', type: 's3', region: 'us-east-1', partBytes: PART_BYTES, ...driver }],
    engine: { inlineMaxBytes: 0 },
  };
}

/** A simulated backend with the quirks of a profile; its leftovers are checked at the end. */
export async function simulatedBackend(
  profile: keyof typeof SIMULATED_BACKENDS,
): Promise<BlobBackend & { readonly simulator: S3Simulator }> {
  const simulator = await S3Simulator.start(SIMULATED_BACKENDS[profile]);
  return {
    simulator,
    config: s3BackendConfig({
      profile,
      endpoint: simulator.endpoint,
      bucket: simulator.bucket,
      addressing: 'path',
      credentials: { accessKeyId: 'simulated', secretAccessKey: 'simulated-secret' },
    }),
    stop: async () => {
      const isUsed = simulator.operations().includes('PutObject');
      const unfinished = simulator.leftovers().filter((name) => name.includes('?'));
      await simulator.close();
      if (!isUsed) throw new Error('the gateway did not use its backend');
      if (unfinished.length > 0) throw new Error(`unfinished uploads were left: ${unfinished.join(', ')}`);
    },
  };
}

/** A bucket of another gateway, for the blobs of the one in front of it. */
export async function vaultaireBackend(behind: RunningVaultaire): Promise<BlobBackend> {
  const bucket = `blobs-of-the-other-${randomBytes(8).toString('hex')}`;
  await behind.s3Client().send(new CreateBucketCommand({ Bucket: bucket }));
  return {
    config: s3BackendConfig({
      profile: 'aws',
      endpoint: behind.s3Endpoint,
      region: behind.region,
      bucket,
      addressing: 'path',
      credentials: { accessKeyId: behind.accessKeyId, secretAccessKey: behind.secretAccessKey },
    }),
    stop: () => Promise.resolve(),
  };
}
