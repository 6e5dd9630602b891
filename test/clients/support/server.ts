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
 * Vaultaire, started for one spec; or, for comparison, the server that `CLIENT_TESTS_TARGET=url,accessKey,secretKey` names,
 * which is left as the specs leave it.
 */
export async function startServer(): Promise<ClientServer> {
  const given = process.env.CLIENT_TESTS_TARGET;
  const [url, accessKey, secretKey] = given?.split(',') ?? [];
  if (url === undefined || accessKey === undefined || secretKey === undefined) throw new Error('no server');
  return { url, accessKey, secretKey, region: 'us-east-1', stop: () => Promise.resolve() };
}
