import 'reflect-metadata';
import type { DataSource } from 'typeorm';
import { Environment } from '../config/environment';
import { StartUpError } from '../config/start-up.error';
import { makeDataSource } from './data-source';
import { runningPostgresUrl } from './embedded-postgres';

/**
 * For TypeORM's own commands: the database of `DATABASE_URL`, else the embedded one of a gateway that runs on the data folder.
 *
 * @throws StartUpError when there is neither
 */
export function commandLineDataSource(): DataSource {
  const { databaseUrl, dataDir } = Environment.load();
  const url = databaseUrl ?? runningPostgresUrl(dataDir);
  if (url === undefined) {
    throw new StartUpError(
      `No database runs in ${dataDir}: start Vaultaire, or set VAULTAIRE_DATA_DIR or DATABASE_URL`,
    );
  }
  return makeDataSource(url, { poolSize: 2, statementTimeoutMs: 0 });
}
