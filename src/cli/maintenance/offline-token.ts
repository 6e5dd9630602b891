import type { DataSource } from 'typeorm';
import { QueryFailedError } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { hashOfToken, newAdminToken } from '../../admin-api/tokens/admin-token.secret';
import { Environment } from '../../config/environment';
import { TenancyError } from '../../tenant/tenancy.error';
import { withDatabase } from './with-database';

/** What is to be known of a new token. */
export interface NewToken {
  readonly name: string;
  readonly role: string;
  /** Name of the tenant of a `tenant-admin`. */
  readonly tenant: string | undefined;
  /** ISO 8601; undefined: never. */
  readonly expiresAt: string | undefined;
}

const UNIQUE_VIOLATION = '23505';
const CREATED_BY = 'system:command-line';

/**
 * Creates a token of the admin API straight in the database of the environment: for operators who have lost theirs. Gateways
 * know it at once.
 *
 * @throws TenancyError for a name that an active token has, or a tenant that is not there; StartUpError as {@link withDatabase}
 */
export async function createTokenOffline(
  { name, role, tenant, expiresAt }: NewToken,
  environment = Environment.load(),
): Promise<Record<string, unknown>> {
  return withDatabase(environment, async (dataSource) => {
    const tenantId = tenant === undefined ? undefined : await tenantIdOf(dataSource, tenant);
    const id = uuidv7();
    const token = newAdminToken();
    try {
      await dataSource.query(
        `INSERT INTO admin_tokens (id, name, role, tenant_id, token_hash, created_by, expires_at)
          VALUES ($1, $2, $3, $4, $5, $6, $7)`,
        [id, name, role, tenantId, hashOfToken(token), CREATED_BY, expiresAt],
      );
    } catch (cause) {
      if (sqlStateOf(cause) !== UNIQUE_VIOLATION) throw cause;
      throw new TenancyError(`There is an active token ${name} already`, { cause });
    }
    return { id, name, role, tenant: tenant ?? null, createdBy: CREATED_BY, expiresAt: expiresAt ?? null, token };
  });
}

async function tenantIdOf(dataSource: DataSource, tenant: string): Promise<string> {
  const rows: readonly { id: string }[] = await dataSource.query('SELECT id FROM tenants WHERE name = $1', [tenant]);
  const [row] = rows;
  if (row === undefined) throw new TenancyError(`There is no tenant ${tenant}`);
  return row.id;
}

function sqlStateOf(error: unknown): unknown {
  if (!(error instanceof QueryFailedError)) return undefined;
  const cause: unknown = error.driverError;
  return typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
}
