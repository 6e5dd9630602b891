import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Database } from '../database/database';
import type { Statement } from '../database/database';
import type { ListedOwner } from './listing/listing.types';

const CACHED_OWNERS = 10_000;
/** A renamed user shows in listings after this long at the latest. */
const CACHE_TTL_MS = 60_000;

const FIND_OWNERS: Statement = {
  name: 'find_owners',
  text: 'SELECT id, canonical_id, display_name FROM users WHERE id = ANY ($1)',
};

/** Names of the users who own what is listed. A page rarely has more than one owner, so that a small cache serves. */
@Injectable()
export class OwnerDirectory {
  private readonly cache = new LRUCache<string, ListedOwner>({ max: CACHED_OWNERS, ttl: CACHE_TTL_MS });

  constructor(private readonly database: Database) {}

  /** An owner who no longer exists keeps an empty name. */
  async find(userIds: Iterable<string>): Promise<ReadonlyMap<string, ListedOwner>> {
    const owners = new Map<string, ListedOwner>();
    const missing: string[] = [];
    for (const id of new Set(userIds)) {
      const owner = this.cache.get(id);
      if (owner === undefined) missing.push(id);
      else owners.set(id, owner);
    }
    if (missing.length > 0) {
      const rows = await this.database.read<{ id: string; canonical_id: string; display_name: string }>(FIND_OWNERS, [
        missing,
      ]);
      for (const row of rows) {
        const owner = { canonicalId: row.canonical_id, displayName: row.display_name };
        this.cache.set(row.id, owner);
        owners.set(row.id, owner);
      }
    }
    return owners;
  }
}

export const UNKNOWN_OWNER: ListedOwner = { canonicalId: '', displayName: '' };
