import type { OneDriveAccountConfig, OneDriveDriverConfig } from '../../config/onedrive-driver-config';
import { StartUpError } from '../../config/start-up.error';
import type { BackoffOptions } from '../backoff';
import { configuredSecret } from '../configured-secret';
import type { OneDriveAccountSettings, OneDriveSettings } from './onedrive-settings';

/** Uploads hold their bytes while they wait, and throttling of Graph lasts. */
const UPLOAD_BACKOFF: BackoffOptions = { maxAttempts: 5, firstDelayMs: 500, maxDelayMs: 30_000 };

/**
 * The settings of a configured fleet.
 *
 * @throws StartUpError that names the field; never with a secret
 */
export function oneDriveSettingsOf(config: OneDriveDriverConfig): OneDriveSettings {
  const { name, folder, maxPutBytes, fragmentBytes, deletesForGood, stallMs } = config;
  return {
    ...{ name, folder, maxPutBytes, fragmentBytes, deletesForGood, stallMs },
    graphUrl: config.graphUrl.replace(/\/+$/, ''),
    loginUrl: config.loginUrl.replace(/\/+$/, ''),
    backoff: UPLOAD_BACKOFF,
    accounts: config.accounts.map((account) => accountSettings(name, account)),
  };
}

function accountSettings(driver: string, config: OneDriveAccountConfig): OneDriveAccountSettings {
  const { name, directory, clientId, driveId, user } = config;
  const refuse = (why: string): never => {
    throw new StartUpError(`drivers: ${driver}: account ${name}: ${why}`);
  };
  const secret = { value: config.clientSecret, file: config.clientSecretFile, variable: config.clientSecretEnv };
  const clientSecret = configuredSecret('clientSecret', secret, (why) => refuse(`clientSecret${why}`));
  if ((driveId === undefined) === (user === undefined)) return refuse('exactly one of driveId and user must be given');
  const drivePath =
    driveId === undefined ? `/users/${encodeURIComponent(user ?? '')}/drive` : `/drives/${encodeURIComponent(driveId)}`;
  return { name, directory, clientId, clientSecret, drivePath };
}
