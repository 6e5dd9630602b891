import type { AttachableConfig } from '../../config/vaultaire-config';
import { s3SettingsOf } from '../s3/s3-configuration';
import { FolderSource } from './folder.source';
import type { ForeignSource } from './foreign-source';
import { S3Source } from './s3.source';

/** The source that a configuration asks for. Touches no backend yet. @throws StartUpError as `createDriver` */
export function createSource(config: AttachableConfig): ForeignSource {
  return config.type === 's3' ? new S3Source(s3SettingsOf(config)) : new FolderSource(config.name, config.path);
}
