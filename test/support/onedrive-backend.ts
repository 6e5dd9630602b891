import type { BlobBackend } from '../e2e/s3-suite';
import { GraphSimulator } from './graph-simulator/graph-simulator';

const FRAGMENT_BYTES = 320 * 1024;

/** Configuration of a gateway whose only driver is a fleet of simulated OneDrive drives. No body is kept inline. */
export function oneDriveBackendConfig(simulator: GraphSimulator): object {
  return {
    drivers: [
      {
        name: 'onedrive',
        type: 'onedrive',
        graphUrl: `${simulator.origin}/v1.0`,
        loginUrl: `${simulator.origin}/login`,
        fragmentBytes: 4 * FRAGMENT_BYTES,
        maxPutBytes: FRAGMENT_BYTES,
        accounts: [...simulator.drives.keys()].map((name) => ({
          name,
          directory: 'directory.example',
          clientId: 'application',
          clientSecret: simulator.clientSecret,
          driveId: name,
        })),
      },
    ],
    engine: { inlineMaxBytes: 0 },
  };
}

/** Two simulated drives; unfinished uploads are looked for at the end. */
export async function oneDriveBackend(): Promise<BlobBackend & { readonly simulator: GraphSimulator }> {
  const simulator = await GraphSimulator.start({}, ['one', 'two']);
  return {
    simulator,
    config: oneDriveBackendConfig(simulator),
    stop: async () => {
      const isUsed = simulator.operations().includes('PutContent');
      const unfinished = simulator.leftovers().filter((name) => name.includes('?'));
      await simulator.close();
      if (!isUsed) throw new Error('the gateway did not use its backend');
      if (unfinished.length > 0) throw new Error(`unfinished uploads were left: ${unfinished.join(', ')}`);
    },
  };
}
