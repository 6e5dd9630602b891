/** Where clients reach the server. */
export type PostgresAddress =
  { readonly kind: 'socket'; readonly folder: string } | { readonly kind: 'tcp'; readonly port: number };

/** The port in the name of the socket file; nothing listens on it. */
const SOCKET_PORT = 5432;
/** `sun_path` holds 104 bytes on macOS and 108 on Linux, with a zero at the end. */
const MAX_SOCKET_PATH_BYTES = 103;

/**
 * A socket in the cluster's own folder wherever its path is short enough: closed to other users, no port to collide on, and
 * a fifth faster per query than TCP. Undefined where it can't be.
 */
export function socketAddress(clusterFolder: string): PostgresAddress | undefined {
  if (process.platform === 'win32') return undefined;
  const path = `${clusterFolder}/.s.PGSQL.${SOCKET_PORT}`;
  return Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES ? { kind: 'socket', folder: clusterFolder } : undefined;
}

/** Where a server with a socket in its cluster's folder keeps its process id, besides `postmaster.pid`. */
export function socketLockPath(clusterFolder: string): string {
  return `${clusterFolder}/.s.PGSQL.${SOCKET_PORT}.lock`;
}

export function databaseUrl(address: PostgresAddress, user: string, password: string): string {
  const credentials = `${user}:${password}`;
  return address.kind === 'socket'
    ? `postgresql://${credentials}@localhost:${SOCKET_PORT}/postgres?host=${encodeURIComponent(address.folder)}`
    : `postgresql://${credentials}@127.0.0.1:${address.port}/postgres`;
}

/** Each serving process holds up to 14; the rest is room for a worker that takes the place of another. */
const CONNECTIONS_PER_WORKER = 16;
/** For commands, backups and curious people. */
const OTHER_CONNECTIONS = 40;
const MIN_CONNECTIONS = 200;

/**
 * Command line of the server: durable, sized for a machine that it shares with the gateway.
 *
 * @param workers processes of the gateway
 */
export function serverArguments(clusterFolder: string, address: PostgresAddress, workers: number): string[] {
  const settings: Record<string, string> = {
    ...(address.kind === 'socket'
      ? // The server works in the cluster's folder, so that `.` is it, whatever characters its path has.
        {
          listen_addresses: '',
          unix_socket_directories: '.',
          unix_socket_permissions: '0700',
          port: String(SOCKET_PORT),
        }
      : { listen_addresses: '127.0.0.1', unix_socket_directories: '', port: String(address.port) }),
    max_connections: String(Math.max(MIN_CONNECTIONS, workers * CONNECTIONS_PER_WORKER + OTHER_CONNECTIONS)),
    shared_buffers: '256MB',
    max_locks_per_transaction: '256',
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    max_wal_size: '2GB',
    min_wal_size: '128MB',
    checkpoint_timeout: '15min',
    random_page_cost: '1.1',
    jit: 'off',
    max_parallel_workers_per_gather: '0',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_line_prefix: '%m [%p] ',
    log_min_messages: 'warning',
    log_checkpoints: 'off',
    // Constraint violations are answers to clients (a name that is taken), not faults.
    log_min_error_statement: 'panic',
  };
  return ['-D', clusterFolder, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}
