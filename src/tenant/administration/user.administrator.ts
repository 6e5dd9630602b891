import { Injectable } from '@nestjs/common';
import { isUUID } from 'class-validator';
import { DataSource } from 'typeorm';
import { Tenant } from '../entities/tenant.entity';
import { User } from '../entities/user.entity';
import { SecretCipher } from '../secret-cipher';
import { changedMeanwhile, isClosing, TenancyError } from '../tenancy.error';
import type { NewUser } from '../tenancy.service';
import { TenancyService } from '../tenancy.service';

/** Absent: stays as it is. */
export interface UserChanges {
  readonly displayName?: string | undefined;
  readonly email?: string | null | undefined;
}

/** Users of a tenant as operators and administrators of the tenant see them. */
@Injectable()
export class UserAdministrator {
  constructor(
    private readonly dataSource: DataSource,
    private readonly cipher: SecretCipher,
  ) {}

  /** At most `limit` users in the order of their names; `after`: name of the last one of the page before. */
  async list(tenant: Tenant, after: string | undefined, limit: number): Promise<User[]> {
    return this.dataSource
      .getRepository(User)
      .createQueryBuilder('u')
      .where('u.tenant_id = :tenant AND u.name > :after', { tenant: tenant.id, after: after ?? '' })
      .orderBy('u.name')
      .limit(limit)
      .getMany();
  }

  /** @throws TenancyError missing */
  async get(tenant: Tenant, nameOrId: string): Promise<User> {
    const which = isUUID(nameOrId) ? { id: nameOrId } : { name: nameOrId };
    const user = await this.dataSource.getRepository(User).findOneBy({ tenantId: tenant.id, ...which });
    if (user === null) {
      throw new TenancyError(`There is no user ${nameOrId} of tenant ${tenant.name}`, { failure: 'missing' });
    }
    return user;
  }

  /** @throws TenancyError conflict where the name is taken or the tenant is closing, invalid for a bad name */
  async create(tenant: Tenant, user: NewUser): Promise<User> {
    return this.dataSource.transaction(async (manager) => {
      // Holds up the closing of the tenant, which removes the users that it finds.
      const held = await manager.findOne(Tenant, { where: { id: tenant.id }, lock: { mode: 'pessimistic_read' } });
      if (held?.state !== 'active' && held?.state !== 'suspended') throw isClosing(tenant.name);
      const { id } = await new TenancyService(manager, this.cipher).createUser(tenant, user);
      return manager.findOneByOrFail(User, { id });
    });
  }

  /** @throws TenancyError changed, unless `revision` is the current one */
  async update(user: User, revision: string, changes: UserChanges): Promise<User> {
    const set = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
    const { affected } = await this.dataSource
      .createQueryBuilder()
      .update(User)
      .set({ ...set, revision: () => 'revision + 1', updatedAt: () => 'now()' })
      .where('id = :id AND revision = :revision', { id: user.id, revision })
      .execute();
    if (affected !== 1) throw changedMeanwhile();
    return this.dataSource.getRepository(User).findOneByOrFail({ id: user.id });
  }

  /** Takes the user's access keys along. @throws TenancyError conflict while the user owns containers */
  async delete(user: User): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      // Holds up the creation of a container of this user, which refers to the row.
      await manager.query('SELECT 1 FROM users WHERE id = $1 FOR UPDATE', [user.id]);
      const owned: unknown[] = await manager.query('SELECT 1 FROM containers WHERE owner_id = $1 LIMIT 1', [user.id]);
      if (owned.length > 0) {
        throw new TenancyError(`The user ${user.name} owns containers`, { failure: 'conflict' });
      }
      await manager.delete(User, { id: user.id });
    });
  }
}
