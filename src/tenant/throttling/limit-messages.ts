import type { LeaseGrant, LeaseReport } from './leases';

/** What the processes of one gateway say to each other about limits. Others' messages on the same channel are left alone. */
export type LimitMessage =
  /** Worker to primary. */
  | { readonly kind: 'vaultaire:limits:reports'; readonly reports: readonly LeaseReport[] }
  /** Primary to worker. */
  | { readonly kind: 'vaultaire:limits:grants'; readonly grants: readonly LeaseGrant[] }
  /** Primary to worker: others need what you hold of these. */
  | { readonly kind: 'vaultaire:limits:recall'; readonly key: string }
  /** Primary to worker: whether the store that all machines share is in use. */
  | { readonly kind: 'vaultaire:limits:store'; readonly isUp: boolean };

export function isLimitMessage(message: unknown): message is LimitMessage {
  return (
    typeof message === 'object' &&
    message !== null &&
    'kind' in message &&
    typeof message.kind === 'string' &&
    message.kind.startsWith('vaultaire:limits:')
  );
}
