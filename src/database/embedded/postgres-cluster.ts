import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readOrCreateSecretFile, syncFolder } from '../../config/secret-file';
import { reasonOf, StartUpError } from '../../config/start-up.error';
import type { PostgresAccount } from './postgres-account';
import type { PostgresBinaries } from './postgres-binaries';
import { run } from './run';

/** The superuser and only role of an embedded cluster. */
export const DATABASE_USER = 'vaultaire';

/** The password of {@link DATABASE_USER}, made at first start. */
export function clusterPassword(clusterFolder: string): string {
  return readOrCreateSecretFile(`${clusterFolder}.password`, () => randomBytes(24).toString('hex'));
}

/**
 * Makes an empty cluster, unless there is one. It is made aside and then renamed, so that a kill midway leaves no half
 * of a cluster; what such a kill left is removed here.
 *
 * @throws StartUpError when initdb fails
 */
export async function makeCluster(folder: string, binaries: PostgresBinaries, account: PostgresAccount): Promise<void> {
  const asidePrefix = `${basename(folder)}.new-`;
  for (const name of readdirSync(dirname(folder))) {
    if (name.startsWith(asidePrefix)) rmSync(join(dirname(folder), name), { recursive: true, force: true });
  }
  if (existsSync(join(folder, 'PG_VERSION'))) return;

  const password = clusterPassword(folder);
  const aside = join(dirname(folder), `${asidePrefix}${randomBytes(6).toString('hex')}`);
  const cluster = join(aside, 'cluster');
  const passwordFile = join(aside, 'password');
  try {
    mkdirSync(aside, { mode: 0o700 });
    writeFileSync(passwordFile, password, { mode: 0o600 });
    account.own(aside);
    await run(
      account.command(binaries.initdb, [
        `--pgdata=${cluster}`,
        `--username=${DATABASE_USER}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C',
      ]),
    );
    renameSync(cluster, folder);
    syncFolder(dirname(folder));
  } catch (error) {
    throw new StartUpError(`The embedded PostgreSQL can't be set up in ${folder}: ${reasonOf(error)}`, {
      cause: error,
    });
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}
