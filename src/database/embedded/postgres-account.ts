import { accessSync, constants, lchownSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { reasonOf, StartUpError } from '../../config/start-up.error';

const CAPABILITIES = '+dac_override';
const SYSTEM_PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** A command as it is to be spawned. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
}

/** The system account that PostgreSQL runs under, since it refuses to run as root. */
export interface PostgresAccount {
  /** Makes the account own the folder `path` and all below, as PostgreSQL demands of its data, unless it does. */
  own(path: string): void;
  command(file: string, args: readonly string[]): Command;
}

/** The account of this process: PostgreSQL runs as whoever started the gateway. */
export const OWN_ACCOUNT: PostgresAccount = {
  own: () => undefined,
  command: (file, args) => ({ file, args }),
};

/**
 * The account for a cluster in `folder` (which may not exist yet) with the server's programs in `programs`.
 *
 * Started as root: the account that owns the cluster, else `nobody`. Where that account can't pass the folders above (an
 * installation below `/root`, say), `setpriv` lets it, by one capability and nothing else of root's.
 *
 * @throws StartUpError when neither way is open
 */
export function postgresAccount(folder: string, programs: string): PostgresAccount {
  if (process.getuid?.() !== 0) return OWN_ACCOUNT;
  const { uid, gid } = ownerOf(folder) ?? nobody();
  const blocked = [dirname(folder), programs].find((path) => !canPass(path, uid, gid));
  const setpriv = blocked === undefined ? undefined : findSetpriv();
  if (blocked !== undefined && setpriv === undefined) {
    throw new StartUpError(
      `PostgreSQL doesn't run as root, and the folder ${blocked} is closed to other users: start Vaultaire as an ordinary user, ` +
        'put it and its data folder where other users can pass, install setpriv (util-linux), or set DATABASE_URL',
    );
  }
  return {
    own: (path) => {
      if (statSync(path).uid !== uid) chownTree(path, uid, gid);
    },
    command: (file, args) =>
      setpriv === undefined
        ? { file, args, uid, gid }
        : { file: setpriv, args: [...setprivArguments(uid, gid), '--', file, ...args] },
  };
}

/** `no_setuid_fixup` keeps the capability when the user changes; the ambient set hands it to the program. */
function setprivArguments(uid: number, gid: number): string[] {
  return [
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--clear-groups',
    '--securebits=+no_setuid_fixup',
    `--inh-caps=${CAPABILITIES}`,
    `--ambient-caps=${CAPABILITIES}`,
  ];
}

function ownerOf(folder: string): { uid: number; gid: number } | undefined {
  const stats = statSync(folder, { throwIfNoEntry: false });
  return stats === undefined || stats.uid === 0 ? undefined : { uid: stats.uid, gid: stats.gid };
}

function nobody(): { uid: number; gid: number } {
  try {
    const fields = /^nobody:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'));
    if (fields?.[1] !== undefined && fields[2] !== undefined) return { uid: Number(fields[1]), gid: Number(fields[2]) };
  } catch (error) {
    if (reasonOf(error) !== 'ENOENT') throw error;
  }
  return { uid: 65_534, gid: 65_534 };
}

/** Every folder from the root down to `path` lets the account through. */
function canPass(path: string, uid: number, gid: number): boolean {
  const { mode, uid: owner, gid: group } = statSync(path);
  const bit = owner === uid ? 0o100 : group === gid ? 0o010 : 0o001;
  if ((mode & bit) === 0) return false;
  const parent = dirname(path);
  return parent === path || canPass(parent, uid, gid);
}

function findSetpriv(): string | undefined {
  return SYSTEM_PATH.map((folder) => join(folder, 'setpriv')).find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function chownTree(path: string, uid: number, gid: number): void {
  lchownSync(path, uid, gid);
  for (const entry of readdirSync(path, { withFileTypes: true, recursive: true })) {
    lchownSync(join(entry.parentPath, entry.name), uid, gid);
  }
}
