import { Injectable } from '@nestjs/common';
import { Database } from '../../database/database';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const BY_ID = { name: 'admin-tenant-by-id', text: 'SELECT id, name FROM tenants WHERE id = $1' };
const BY_NAME = { name: 'admin-tenant-by-name', text: 'SELECT id, name FROM tenants WHERE name = $1' };

/** A tenant as paths and queries name it: by name or by id. */
@Injectable()
export class AdminTenantFinder {
  constructor(private readonly database: Database) {}

  /** @throws DatabaseUnavailableError */
  async find(nameOrId: string): Promise<{ readonly id: string; readonly name: string } | undefined> {
    const [row] = await this.database.query<{ id: string; name: string }>(UUID.test(nameOrId) ? BY_ID : BY_NAME, [
      nameOrId,
    ]);
    return row;
  }

  /** Undefined: there is no such tenant. */
  async idOf(nameOrId: string): Promise<string | undefined> {
    return (await this.find(nameOrId))?.id;
  }
}
