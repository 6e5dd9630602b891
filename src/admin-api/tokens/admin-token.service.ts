import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { Database } from '../../database/database';
import type { Queryable } from '../../database/database';
import type { AdminRole } from '../admin-caller.decorator';
import { hashOfToken, newAdminToken } from './admin-token.secret';
import type { AdminTokenView } from './admin-token.view';

interface TokenRow {
  readonly id: string;
  readonly name: string;
  readonly role: AdminRole;
  readonly tenant_id: string | null;
  readonly tenant_name: string | null;
  readonly created_by: string;
  readonly created_at: Date;
  readonly expires_at: Date | null;
  readonly revoked_at: Date | null;
  readonly last_used_at: Date | null;
}

type Row = TokenRow & Record<string, unknown>;

export interface NewAdminToken {
  readonly name: string;
  readonly role: AdminRole;
  /** Of a tenant-admin, and of no other. */
  readonly tenantId: string | undefined;
  readonly expiresAt: Date | undefined;
  readonly createdBy: string;
}

export type Revocation = 'revoked' | 'last operator' | 'unknown';

const COLUMNS = `a.id, a.name, a.role, a.tenant_id, (SELECT t.name FROM tenants t WHERE t.id = a.tenant_id) AS tenant_name,
  a.created_by, a.created_at, a.expires_at, a.revoked_at, a.last_used_at`;

const INSERT = {
  name: 'admin-tokens-insert',
  text: `INSERT INTO admin_tokens AS a (id, name, role, tenant_id, token_hash, expires_at, created_by)
    VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING ${COLUMNS}`,
};
/** By id, which is by time: a UUIDv7 begins with it. */
const LIST = {
  name: 'admin-tokens-list',
  text: `SELECT ${COLUMNS} FROM admin_tokens a WHERE $1::uuid IS NULL OR a.id < $1 ORDER BY a.id DESC LIMIT $2`,
};
const SELECT_BY_ID = { name: 'admin-tokens-by-id', text: `SELECT ${COLUMNS} FROM admin_tokens a WHERE a.id = $1` };
const SELECT_BY_NAME = {
  name: 'admin-tokens-by-name',
  text: `SELECT ${COLUMNS} FROM admin_tokens a WHERE a.name = $1 AND a.revoked_at IS NULL`,
};
/** The same lock as the start-up's, which makes a token when no operator's is active. */
const LOCK = { name: 'admin-tokens-lock', text: 'SELECT pg_advisory_xact_lock(4, 3)' };
const OTHER_OPERATORS = {
  name: 'admin-tokens-other-operators',
  text: `SELECT id FROM admin_tokens WHERE id <> $1 AND role = 'operator' AND revoked_at IS NULL
    AND (expires_at IS NULL OR expires_at > now()) LIMIT 1`,
};
const REVOKE = {
  name: 'admin-tokens-revoke',
  text: 'UPDATE admin_tokens SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1',
};

/** Administers the bearer tokens of the admin API. Every method throws `DatabaseUnavailableError`. */
@Injectable()
export class AdminTokenService {
  constructor(private readonly database: Database) {}

  /**
   * @returns the token itself too, which is not stored and can't be told again
   * @throws a unique violation when an active token has the name
   */
  async create(token: NewAdminToken): Promise<AdminTokenView & { readonly token: string }> {
    const secret = newAdminToken();
    const { name, role, tenantId, expiresAt, createdBy } = token;
    const values = [uuidv7(), name, role, tenantId ?? null, hashOfToken(secret), expiresAt ?? null, createdBy];
    const [row] = await this.database.query<Row>(INSERT, values);
    if (row === undefined) throw new Error('the token was not stored');
    return Object.assign(viewOf(row), { token: secret });
  }

  /** At most `limit` tokens, the latest first; `after`: id of the last one of the page before. */
  async list(after: string | undefined, limit: number): Promise<AdminTokenView[]> {
    const rows = await this.database.query<Row>(LIST, [after ?? null, limit]);
    return rows.map(viewOf);
  }

  /** `id` must be a UUID. */
  async findById(id: string): Promise<AdminTokenView | undefined> {
    return first(await this.database.query<Row>(SELECT_BY_ID, [id]));
  }

  /** Only a token that is not revoked is known by its name. */
  async findByName(name: string): Promise<AdminTokenView | undefined> {
    return first(await this.database.query<Row>(SELECT_BY_NAME, [name]));
  }

  /** Revokes a token, unless nobody could administer the gateway afterwards. Revoking again changes nothing. */
  async revoke(id: string): Promise<Revocation> {
    return this.database.transaction((tx) => revokeIn(tx, id));
  }
}

async function revokeIn(tx: Queryable, id: string): Promise<Revocation> {
  await tx.query(LOCK, []);
  const token = first(await tx.query<Row>(SELECT_BY_ID, [id]));
  if (token === undefined) return 'unknown';
  const isNeeded = token.role === 'operator' && token.state === 'active';
  if (isNeeded && (await tx.query(OTHER_OPERATORS, [id])).length === 0) return 'last operator';
  await tx.query(REVOKE, [id]);
  return 'revoked';
}

function first([row]: readonly TokenRow[]): AdminTokenView | undefined {
  return row === undefined ? undefined : viewOf(row);
}

function viewOf(row: TokenRow): AdminTokenView {
  const isExpired = row.expires_at !== null && row.expires_at.getTime() <= Date.now();
  return {
    id: row.id,
    name: row.name,
    role: row.role,
    ...(row.tenant_name === null ? {} : { tenant: row.tenant_name }),
    ...(row.tenant_id === null ? {} : { tenantId: row.tenant_id }),
    state: row.revoked_at !== null ? 'revoked' : isExpired ? 'expired' : 'active',
    createdBy: row.created_by,
    createdAt: row.created_at,
    ...(row.expires_at === null ? {} : { expiresAt: row.expires_at }),
    ...(row.revoked_at === null ? {} : { revokedAt: row.revoked_at }),
    ...(row.last_used_at === null ? {} : { lastUsedAt: row.last_used_at }),
  };
}
