import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DataSource } from 'typeorm';
import { DataFolderLock } from '../../bootstrap/data-folder-lock';
import type { Environment } from '../../config/environment';
import { reasonOf, StartUpError } from '../../config/start-up.error';
import { makeDataSource } from '../../database/data-source';
import { EmbeddedPostgres, runningPostgresUrl } from '../../database/embedded-postgres';

type DatabaseSettings = Pick<Environment, 'databaseUrl' | 'dataDir'>;

/**
 * Runs `work` with the URL of the gateway's database: that of `DATABASE_URL`, else the embedded one, which is started for the
 * time of the command where no gateway runs.
 *
 * @throws StartUpError when there is no database yet, or a gateway is just about to start or stop its own
 */
export async function withDatabaseUrl<T>(
  { databaseUrl, dataDir }: DatabaseSettings,
  work: (url: string) => Promise<T>,
): Promise<T> {
  const runningUrl = databaseUrl ?? runningPostgresUrl(dataDir);
  if (runningUrl !== undefined) return work(runningUrl);

  if (!existsSync(join(dataDir, 'postgres', 'PG_VERSION'))) {
    throw new StartUpError(
      `There is no database in ${dataDir}: start Vaultaire once, or set VAULTAIRE_DATA_DIR or DATABASE_URL`,
    );
  }
  // A gateway that starts meanwhile would lose its database when the command is done.
  const lock = await DataFolderLock.acquire(dataDir);
  try {
    const postgres = await EmbeddedPostgres.start({ dataDir, onCrash: () => undefined });
    try {
      return await work(postgres.url);
    } finally {
      await postgres.stop();
    }
  } finally {
    await lock.release();
  }
}

/**
 * The same with a connected data source, of a database that has the tables of this version.
 *
 * @throws StartUpError when it has not, or can't be reached
 */
export function withDatabase<T>(settings: DatabaseSettings, work: (dataSource: DataSource) => Promise<T>): Promise<T> {
  return withDatabaseUrl(settings, async (url) => {
    const dataSource = makeDataSource(url, { poolSize: 2 });
    try {
      await dataSource.initialize();
    } catch (cause) {
      throw new StartUpError(`The database can't be reached (${reasonOf(cause)}): look at DATABASE_URL`, { cause });
    }
    try {
      if (await dataSource.showMigrations()) {
        throw new StartUpError('The database has not the tables of this version yet: start Vaultaire once');
      }
      return await work(dataSource);
    } finally {
      await dataSource.destroy();
    }
  });
}
