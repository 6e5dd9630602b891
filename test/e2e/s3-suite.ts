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

/** Where a gateway under test keeps its blobs, made for each spec file. */
export interface BlobBackend {
  /** Fields of the configuration file. */
  readonly config: object;
  stop(): Promise<void>;
}

let startBackend: (() => Promise<BlobBackend>) | undefined;

/** Runs spec files of this folder once more, with servers that keep their blobs on `backend`. */
export function describeOn(name: string, backend: () => Promise<BlobBackend>, specs: readonly string[]): void {
  describe(name, () => {
    startBackend = backend;
    // Loading one registers its tests, and asks for the server that they run against.
    for (const spec of specs) jest.requireActual<object>(`./${spec}.spec`);
    startBackend = undefined;
  });
}

const silent = (): void => undefined;

/** Starts a server before the tests of the file and stops it after them. */
export function useS3(options: VaultaireOptions = {}): S3Suite {
  let vaultaire: RunningVaultaire | undefined;
  let s3: S3Client | undefined;
  let backend: BlobBackend | undefined;
  const start = startBackend;
  const started = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('The server is not running');
    return value;
  };
  beforeAll(async () => {
    backend = await start?.();
    const config = backend && { ...options.config, ...backend.config };
    vaultaire = await startVaultaire({ ...options, ...(config && { config }) });
    // The SDK warns of empty bodies, which are on purpose here.
    s3 = vaultaire.s3Client({ logger: { debug: silent, info: silent, warn: silent, error: silent } });
  }, 60_000);
  afterAll(async () => {
    await vaultaire?.stop();
    await backend?.stop();
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
