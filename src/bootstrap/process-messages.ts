import type { ListeningPorts } from './gateway';
import type { FirstCredentials } from './prepare-database';

/** What the processes of one gateway tell each other about starting and stopping. */
export type ProcessMessage =
  /** Set-up process to primary: the database is ready. */
  | { readonly kind: 'vaultaire:prepared'; readonly credentials: FirstCredentials }
  /** Any process to the primary: it can't start. `message` is for the operator. */
  | { readonly kind: 'vaultaire:failed'; readonly message: string }
  /** Worker to primary: it serves. */
  | { readonly kind: 'vaultaire:listening'; readonly ports: ListeningPorts }
  /** Primary to worker: finish what is in flight, then end. */
  | { readonly kind: 'vaultaire:drain' };

const KINDS: ReadonlySet<unknown> = new Set<ProcessMessage['kind']>([
  'vaultaire:prepared',
  'vaultaire:failed',
  'vaultaire:listening',
  'vaultaire:drain',
]);

export function isProcessMessage(message: unknown): message is ProcessMessage {
  return typeof message === 'object' && message !== null && 'kind' in message && KINDS.has(message.kind);
}

/** Resolves when the message is on its way; a primary that is gone has nobody to be told. */
export function tellPrimary(message: ProcessMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) {
      resolve();
      return;
    }
    process.send(message, undefined, undefined, () => {
      resolve();
    });
  });
}
