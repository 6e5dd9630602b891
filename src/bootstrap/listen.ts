import type { Server } from 'node:net';
import { reasonOf, StartUpError } from '../config/start-up.error';

export interface ListenTarget {
  readonly host: string;
  readonly port: number;
  /** Environment variable that sets the port. */
  readonly variable: string;
}

/**
 * @returns the port, which is a free one for port 0
 * @throws StartUpError when it can't be opened
 */
export async function listen(server: Server, target: ListenTarget): Promise<number> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: target.host, port: target.port, backlog: 1024 }, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } catch (error) {
    throw new StartUpError(explain(reasonOf(error), target), { cause: error });
  }
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}

function explain(reason: string, { host, port, variable }: ListenTarget): string {
  switch (reason) {
    case 'EADDRINUSE':
      return `The port ${port} on ${host} is taken: set ${variable} to a free one`;
    case 'EACCES':
      return `This user may not open the port ${port}: set ${variable} to one above 1023`;
    default:
      return `The address ${host} can't be listened on (${reason}): correct VAULTAIRE_HOST`;
  }
}
