import { FRAGMENT_UNIT_BYTES } from '../../../src/drivers/onedrive/onedrive-settings';
import type { OneDriveSettings } from '../../../src/drivers/onedrive/onedrive-settings';
import type { GraphSimulator } from './graph-simulator';

/** A driver on all drives of a simulator, with the smallest fragments and short delays. */
export function oneDriveSettings(
  simulator: GraphSimulator,
  overrides: Partial<OneDriveSettings> = {},
): OneDriveSettings {
  return {
    name: 'onedrive',
    graphUrl: `${simulator.origin}/v1.0`,
    loginUrl: `${simulator.origin}/login`,
    folder: 'vaultaire',
    maxPutBytes: FRAGMENT_UNIT_BYTES,
    fragmentBytes: 4 * FRAGMENT_UNIT_BYTES,
    deletesForGood: false,
    stallMs: 5_000,
    backoff: { maxAttempts: 4, firstDelayMs: 1, maxDelayMs: 2_000 },
    accounts: [...simulator.drives.keys()].map((name) => ({
      name,
      directory: 'directory.example',
      clientId: 'application',
      clientSecret: simulator.clientSecret,
      drivePath: `/drives/${name}`,
    })),
    ...overrides,
  };
}
