import { timingSafeEqual } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Database } from '../../database/database';
import { NotificationListener } from '../../database/notification-listener';
import type { AdminRole } from '../admin-caller.decorator';
import { hashOfToken } from './admin-token.secret';

/** A token that is not revoked. The caller decides about expiry and the tenant's state. */
export interface AdminTokenRecord {
  readonly id: string;
  readonly name: string;
  readonly role: AdminRole;
  readonly hash: Buffer;
  /** Epoch milliseconds; undefined: never. */
  readonly expiresAtMs: number | undefined;
  /** Of a tenant-admin. */
  readonly tenant: { readonly id: string; readonly name: string; readonly isActive: boolean } | undefined;
}

interface TokenRow {
  readonly id: string;
  readonly name: string;
  readonly role: AdminRole;
  readonly token_hash: Buffer;
  readonly expires_at: Date | null;
  readonly tenant_id: string | null;
  readonly tenant_name: string | null;
  readonly tenant_state: string | null;
}

interface KnownToken {
  readonly record: AdminTokenRecord;
  /** Monotonic clock of when `last_used_at` was last written. */
  usedAtMs: number;
}

const SELECT_TOKEN = {
  name: 'admin-tokens-select',
  text: `SELECT a.id, a.name, a.role, a.token_hash, a.expires_at, a.tenant_id, t.name AS tenant_name, t.state AS tenant_state
    FROM admin_tokens a LEFT JOIN tenants t ON t.id = a.tenant_id
    WHERE a.token_hash = $1 AND a.revoked_at IS NULL`,
};
const TOUCH_TOKEN = {
  name: 'admin-tokens-touch',
  text: `UPDATE admin_tokens SET last_used_at = now()
    WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < now() - interval '50 seconds')`,
};

const MAX_CACHED = 1_000;
const TOUCH_INTERVAL_MS = 60_000;

/**
 * Knows bearer tokens by their hash, from memory where it can. A change on any worker or machine drops the entry by
 * notification; when notifications may have been missed, all are dropped. Unknown tokens are not remembered: the guard limits
 * how often a client may try.
 */
@Injectable()
export class AdminTokenAuthenticator {
  private readonly logger = new Logger(AdminTokenAuthenticator.name);
  private readonly known = new LRUCache<string, KnownToken>({ max: MAX_CACHED });
  /** Counts changes: a load that one overtook is answered but not kept. */
  private changes = 0;

  constructor(
    private readonly database: Database,
    listener: NotificationListener,
  ) {
    listener.subscribe('vaultaire_admin_tokens', (id) => {
      this.forget((record) => id === undefined || record.id === id);
    });
    listener.subscribe('vaultaire_tenants', (id) => {
      this.forget(({ tenant }) => tenant !== undefined && (id === undefined || tenant.id === id));
    });
  }

  /** The token if it is in memory; undefined says nothing about whether it exists. */
  findCached(token: string): AdminTokenRecord | undefined {
    const hash = hashOfToken(token);
    const known = this.known.get(hash.toString('base64'));
    if (known === undefined || !timingSafeEqual(hash, known.record.hash)) return undefined;
    this.touch(known);
    return known.record;
  }

  /**
   * The token from the database. Undefined: there is none, or it was revoked.
   *
   * @throws DatabaseUnavailableError
   */
  async load(token: string): Promise<AdminTokenRecord | undefined> {
    const hash = hashOfToken(token);
    const { changes } = this;
    const [row] = await this.database.query<TokenRow & Record<string, unknown>>(SELECT_TOKEN, [hash]);
    // The index compared the hashes already; what it tells by its timing is about a hash, from which no token follows.
    if (row === undefined || !timingSafeEqual(hash, row.token_hash)) return undefined;
    const known: KnownToken = { record: recordOf(row), usedAtMs: -Infinity };
    if (changes === this.changes) this.known.set(hash.toString('base64'), known);
    this.touch(known);
    return known.record;
  }

  private forget(isConcerned: (record: AdminTokenRecord) => boolean): void {
    this.changes += 1;
    for (const [hash, { record }] of this.known.entries()) if (isConcerned(record)) this.known.delete(hash);
  }

  /** Once a minute and off the request's path. */
  private touch(known: KnownToken): void {
    const nowMs = performance.now();
    if (nowMs - known.usedAtMs < TOUCH_INTERVAL_MS) return;
    known.usedAtMs = nowMs;
    this.database.query(TOUCH_TOKEN, [known.record.id]).catch((error: unknown) => {
      this.logger.warn('The last use of an admin token was not written', error);
    });
  }
}

function recordOf(row: TokenRow): AdminTokenRecord {
  const { id, name, role } = row;
  return {
    id,
    name,
    role,
    hash: row.token_hash,
    expiresAtMs: row.expires_at?.getTime(),
    tenant:
      row.tenant_id === null
        ? undefined
        : { id: row.tenant_id, name: row.tenant_name ?? '', isActive: row.tenant_state === 'active' },
  };
}
