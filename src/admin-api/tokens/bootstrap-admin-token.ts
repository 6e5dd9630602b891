import type { DataSource, EntityManager } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import type { Environment } from '../../config/environment';
import { hashOfToken, newAdminToken } from './admin-token.secret';

const ENVIRONMENT_TOKEN = 'environment';
const GENERATED_TOKEN = 'first';
const CREATED_BY = 'system:start';

/** Names that no other token may have: the start-up revokes what it finds under them. */
export const START_UP_TOKENS: ReadonlySet<string> = new Set([ENVIRONMENT_TOKEN, GENERATED_TOKEN]);

/**
 * Makes sure that an operator can use the admin API: with the token of `VAULTAIRE_ADMIN_TOKEN` where given (so that the variable
 * always holds; an earlier value of it is revoked), else with one that is generated when no operator's token is active.
 *
 * Safe to call at every start and on many machines at once.
 *
 * @returns the token when it was generated in this call, the only time that it can be told
 */
export async function bootstrapAdminToken(
  dataSource: DataSource,
  { adminToken }: Pick<Environment, 'adminToken'>,
): Promise<string | undefined> {
  return dataSource.transaction(async (manager) => {
    await manager.query('SELECT pg_advisory_xact_lock(4, 3)');
    if (adminToken !== undefined) {
      await holdGivenToken(manager, hashOfToken(adminToken));
      return undefined;
    }
    const active: unknown[] = await manager.query(
      `SELECT 1 FROM admin_tokens
        WHERE role = 'operator' AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()) LIMIT 1`,
    );
    if (active.length > 0) return undefined;
    const token = newAdminToken();
    // The name is free again once its token was revoked or is past its time.
    await revoke(manager, GENERATED_TOKEN);
    await insert(manager, GENERATED_TOKEN, hashOfToken(token));
    return token;
  });
}

async function holdGivenToken(manager: EntityManager, hash: Buffer): Promise<void> {
  await manager.query(
    'UPDATE admin_tokens SET revoked_at = now() WHERE name = $1 AND revoked_at IS NULL AND token_hash <> $2',
    [ENVIRONMENT_TOKEN, hash],
  );
  const known: unknown[] = await manager.query('SELECT 1 FROM admin_tokens WHERE token_hash = $1', [hash]);
  if (known.length === 0) await insert(manager, ENVIRONMENT_TOKEN, hash);
  else {
    await manager.query(
      `UPDATE admin_tokens SET name = $1, role = 'operator', tenant_id = NULL, revoked_at = NULL, expires_at = NULL
        WHERE token_hash = $2 AND (name, role, revoked_at, expires_at) IS DISTINCT FROM ($1, 'operator', NULL, NULL)`,
      [ENVIRONMENT_TOKEN, hash],
    );
  }
}

async function revoke(manager: EntityManager, name: string): Promise<void> {
  await manager.query('UPDATE admin_tokens SET revoked_at = now() WHERE name = $1 AND revoked_at IS NULL', [name]);
}

async function insert(manager: EntityManager, name: string, hash: Buffer): Promise<void> {
  await manager.query(
    `INSERT INTO admin_tokens (id, name, role, token_hash, created_by) VALUES ($1, $2, 'operator', $3, $4)`,
    [uuidv7(), name, hash, CREATED_BY],
  );
}
