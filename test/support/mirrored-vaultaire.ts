import { S3Simulator } from './s3-simulator/s3-simulator';
import type { RunningVaultaire, VaultaireOptions } from './start-vaultaire';
import { prepareVaultaire } from './start-vaultaire';

/** Fails soon and is asked again soon: outages of tests are short. */
const IMPATIENT = {
  maxAttempts: 1,
  callTimeoutMs: 5_000,
  breaker: { openMs: 100, maxOpenMs: 200, probeMs: 2_000 },
};

/** Every request finds a broken connection. */
export const OUTAGE = () => ({ do: 'reset', afterBytes: 0 }) as const;

export interface MirroredVaultaire {
  readonly vaultaire: RunningVaultaire;
  /** The backends of the drivers `one`, `two` and `three`. */
  readonly one: S3Simulator;
  readonly two: S3Simulator;
  readonly three: S3Simulator;
  stop(): Promise<void>;
}

/** A gateway with three S3 backends, none of whose bodies is kept inline. `config`: placements and the like; `driver`: settings of each. */
export async function startMirrored(
  config: object,
  options: VaultaireOptions & { readonly driver?: object } = {},
): Promise<MirroredVaultaire> {
  const backends = await Promise.all([S3Simulator.start(), S3Simulator.start(), S3Simulator.start()]);
  const [one, two, three] = backends;
  const driver = (name: string, simulator: S3Simulator): object => ({
    name,
    type: 's3',
    profile: 'aws',
    region: 'us-east-1',
    endpoint: simulator.endpoint,
    bucket: simulator.bucket,
    addressing: 'path',
    credentials: { accessKeyId: 'simulated', secretAccessKey: 'simulated-secret' },
    resilience: IMPATIENT,
    ...options.driver,
  });
  const vaultaire = await prepareVaultaire({
    ...options,
    config: {
      drivers: [driver('one', one), driver('two', two), driver('three', three)],
      engine: { inlineMaxBytes: 0, doomedGraceSeconds: 1, sweepIntervalSeconds: 1, repairIntervalSeconds: 1 },
      ...config,
    },
  });
  await vaultaire.start();
  return {
    vaultaire,
    one,
    two,
    three,
    stop: async () => {
      await vaultaire.stop();
      await Promise.all(backends.map((simulator) => simulator.close()));
    },
  };
}

/** Keys of the blobs that a backend holds, without what health checks leave for a moment. */
export function blobsOn(simulator: S3Simulator): string[] {
  return simulator
    .leftovers()
    .filter((key) => !key.includes('health-'))
    .sort();
}
