import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Environment } from '../config/environment';
import { listen } from './listen';

/**
 * Fails early, before anything was made, when a port is taken. It may still be taken later; then the processes that serve
 * say so.
 *
 * @throws StartUpError
 */
export async function assertPortsFree({
  host,
  s3Port,
  adminPort,
}: Pick<Environment, 'host' | 's3Port' | 'adminPort'>): Promise<void> {
  await probe(host, s3Port, 'VAULTAIRE_S3_PORT');
  await probe(host, adminPort, 'VAULTAIRE_ADMIN_PORT');
}

async function probe(host: string, port: number, variable: string): Promise<void> {
  const server = createServer();
  await listen(server, { host, port, variable });
  server.close();
  await once(server, 'close');
}
