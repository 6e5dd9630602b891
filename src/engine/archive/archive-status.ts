/** What an artifact of an archive class is, now. */
export interface ArchiveStatus {
  /** Its bytes may be asked for; on a driver that archives by itself, it may still refuse. */
  readonly isReadable: boolean;
  /** Undefined: none was asked for, or its time is over. */
  readonly restore: { readonly isOngoing: true } | { readonly isOngoing: false; readonly expiresAt: Date } | undefined;
}

/** Column `restore` of a version, see `vaultaire_restore`. Times are epoch milliseconds. */
export type StoredRestore =
  | { readonly readyAt: number; readonly until: number }
  /** Asked of the driver, which has not done it yet. */
  | { readonly days: number; readonly since: number };

/** `isOnDriver`: who says whether the bytes can be read is the driver. */
export function archiveStatusOf(stored: StoredRestore | null, isOnDriver: boolean, nowMs: number): ArchiveStatus {
  if (stored === null) return { isReadable: isOnDriver, restore: undefined };
  if ('days' in stored || stored.readyAt > nowMs) return { isReadable: isOnDriver, restore: { isOngoing: true } };
  if (stored.until <= nowMs) return { isReadable: isOnDriver, restore: undefined };
  return { isReadable: true, restore: { isOngoing: false, expiresAt: new Date(stored.until) } };
}
