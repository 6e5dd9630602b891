import type { GetObjectCommandOutput, S3Client } from '@aws-sdk/client-s3';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { randomBytes } from 'node:crypto';
import type { RunningVaultaire, VaultaireOptions } from '../support/start-vaultaire';
import { startVaultaire } from '../support/start-vaultaire';

/** A server of its own for a spec file, and a client with its root key. Usable inside of tests and hooks. */
export interface S3Suite {
  readonly s3: S3Client;
  readonly vaultaire: RunningVaultaire;
  /** Makes an empty bucket and tells its name. */
  newBucket(): Promise<string>;
}

const silent = (): void => undefined;

/** Starts a server before the tests of the file and stops it after them. */
export function useS3(options: VaultaireOptions = {}): S3Suite {
  let vaultaire: RunningVaultaire | undefined;
  let s3: S3Client | undefined;
  const started = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('The server is not running');
    return value;
  };
  beforeAll(async () => {
    vaultaire = await startVaultaire(options);
    // The SDK warns of empty bodies, which are on purpose here.
    s3 = vaultaire.s3Client({ logger: { debug: silent, info: silent, warn: silent, error: silent } });
  }, 60_000);
  afterAll(async () => {
    await vaultaire?.stop();
  }, 60_000);
  return {
    get s3() {
      return started(s3);
    },
    get vaultaire() {
      return started(vaultaire);
    },
    async newBucket() {
      const Bucket = `b-${randomBytes(8).toString('hex')}`;
      await started(s3).send(new CreateBucketCommand({ Bucket }));
      return Bucket;
    },
  };
}

/** All bytes of a GetObject, as text. */
export async function textOf(answer: GetObjectCommandOutput): Promise<string> {
  return (await answer.Body?.transformToString()) ?? '';
}
