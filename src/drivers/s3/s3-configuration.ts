import type { S3CredentialsConfig, S3DriverConfig } from '../../config/s3-driver-config';
import { reasonOf, StartUpError } from '../../config/start-up.error';
import { configuredSecret } from '../configured-secret';
import { s3Settings } from './profiles';
import type { S3Credentials, S3Settings } from './profiles';

/**
 * The settings of a configured driver: its profile with what the configuration says otherwise.
 *
 * @throws StartUpError that names the field; never with a value of the credentials
 */
export function s3SettingsOf(config: S3DriverConfig): S3Settings {
  const credentials = credentialsOf(config.name, config.credentials);
  const { name, profile, endpoint, region, bucket, keyPrefix, addressing, httpVersion, signsPayload } = config;
  const { hasMultipart, hasListV2, trustsETag, hasConditionalWrites, checksum, maxPutBytes, partBytes } = config;
  const { parallelParts, targetConcurrency, stallMs, hedgeAfterMs } = config;
  const place = { endpoint, region, bucket, keyPrefix, addressing, httpVersion, signsPayload };
  const quirks = { hasMultipart, hasListV2, trustsETag, hasConditionalWrites, checksum, maxPutBytes };
  const pace = { partBytes, parallelParts, targetConcurrency, stallMs, hedgeAfterMs };
  try {
    return s3Settings(name, profile, { ...place, ...quirks, ...pace }, credentials);
  } catch (error) {
    throw new StartUpError(`drivers: ${name}: ${reasonOf(error)}`, { cause: error });
  }
}

function credentialsOf(driver: string, config: S3CredentialsConfig): S3Credentials {
  const half = (field: 'accessKeyId' | 'secretAccessKey'): string => {
    const given = { value: config[field], file: config[`${field}File`], variable: config[`${field}Env`] };
    return configuredSecret(field, given, (why) => {
      throw new StartUpError(`drivers: ${driver}: credentials.${field}${why}`);
    });
  };
  return { accessKeyId: half('accessKeyId'), secretAccessKey: half('secretAccessKey') };
}
