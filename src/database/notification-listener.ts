/** Channels on which workers and machines tell each other that something small and cached has changed. */
export type NotificationChannel =
  | 'vaultaire_access_keys'
  | 'vaultaire_access_logs'
  | 'vaultaire_admin_tokens'
  | 'vaultaire_containers'
  | 'vaultaire_jobs'
  | 'vaultaire_placements'
  | 'vaultaire_plans'
  | 'vaultaire_tenants';

/**
 * LISTEN on one dedicated connection, reconnecting for ever.
 *
 * `listener` gets the payload of each NOTIFY; `undefined` means that notifications may have been missed (the connection
 * was lost and is back, or has just been lost), so that whatever was cached is to be dropped.
 */
export abstract class NotificationListener {
  abstract subscribe(channel: NotificationChannel, listener: (payload: string | undefined) => void): void;
}
