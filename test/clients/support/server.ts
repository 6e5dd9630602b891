import { startVaultaire } from '../../support/start-vaultaire';

/** Programs start slowly and send much: these specs take their time. */
const TEST_TIMEOUT_MS = 600_000;
jest.setTimeout(TEST_TIMEOUT_MS);

/** The server that the programs talk to. */
export interface ClientServer {
  readonly url: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
  stop(): Promise<void>;
}

/**
 * Vaultaire, started for one spec with two processes; or, for comparison, the server that
 * `CLIENT_TESTS_TARGET=url,accessKey,secretKey` names, which is left as the specs leave it.
 */
export async function startServer(): Promise<ClientServer> {
  const [url, accessKey, secretKey] = process.env.CLIENT_TESTS_TARGET?.split(',') ?? [];
  if (url !== undefined && accessKey !== undefined && secretKey !== undefined) {
    return { url, accessKey, secretKey, region: 'us-east-1', stop: () => Promise.resolve() };
  }
  const vaultaire = await startVaultaire({ workers: 2 });
  return {
    url: vaultaire.s3Endpoint,
    accessKey: vaultaire.accessKeyId,
    secretKey: vaultaire.secretAccessKey,
    region: vaultaire.region,
    stop: () => vaultaire.stop(),
  };
}
