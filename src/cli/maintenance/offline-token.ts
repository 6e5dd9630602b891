import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import type { DataSource } from 'typeorm';
import { AdminTokenService } from '../../admin-api/tokens/admin-token.service';
import { CreateAdminToken } from '../../admin-api/tokens/admin-token.view';
import { START_UP_TOKENS } from '../../admin-api/tokens/bootstrap-admin-token';
import { Environment } from '../../config/environment';
import { Database } from '../../database/database';
import { poolOf } from '../../database/database.module';
import { CommandFailed } from '../command';
import { withDatabase } from './with-database';

const CREATED_BY = 'system:command-line';

/**
 * Creates a token of the admin API straight in the database of the environment: for operators who have lost theirs. Gateways
 * know it at once.
 *
 * @returns what the admin API would answer
 * @throws CommandFailed for what the admin API would refuse; StartUpError as {@link withDatabase}
 */
export async function createTokenOffline(
  request: Readonly<Record<keyof CreateAdminToken, string | undefined>>,
  environment = Environment.load(),
): Promise<unknown> {
  const token = plainToInstance(CreateAdminToken, request);
  const mistakes = validateSync(token).flatMap(({ constraints = {} }) => Object.values(constraints));
  if (START_UP_TOKENS.has(token.name)) mistakes.push(`name must not be ${token.name}, which the start-up uses`);
  if (mistakes.length > 0) throw new CommandFailed(mistakes.join('\n'));

  return withDatabase(environment, async (dataSource) => {
    const tokens = new AdminTokenService(new Database(poolOf(dataSource)));
    if ((await tokens.findByName(token.name)) !== undefined) {
      throw new CommandFailed(`There is an active token named ${token.name}`);
    }
    const created: unknown = await tokens.create({
      name: token.name,
      role: token.role,
      tenantId: token.tenant === undefined ? undefined : await tenantIdOf(dataSource, token.tenant),
      expiresAt: token.expiresAt === undefined ? undefined : new Date(token.expiresAt),
      createdBy: CREATED_BY,
    });
    // As it looks after the way over HTTP.
    return JSON.parse(JSON.stringify(created)) as unknown;
  });
}

async function tenantIdOf(dataSource: DataSource, tenant: string): Promise<string> {
  const rows: readonly { id: string }[] = await dataSource.query(
    'SELECT id FROM tenants WHERE name = $1 OR id::text = $1 ORDER BY id::text = $1 DESC',
    [tenant],
  );
  const [row] = rows;
  if (row === undefined) throw new CommandFailed(`There is no tenant ${tenant}`);
  return row.id;
}
