import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { EntityManager } from 'typeorm';
import { effectivePolicy } from '../../context/policy/effective-policy';
import type { KeyScope } from '../../context/policy/key-scope';
import { AccessKey } from '../entities/access-key.entity';
import { Plan } from '../entities/plan.entity';
import { Tenant } from '../entities/tenant.entity';
import type { User } from '../entities/user.entity';
import { SecretCipher } from '../secret-cipher';
import { changedMeanwhile, isClosing, TenancyError } from '../tenancy.error';
import type { AccessKeyCredentials, AccessKeyDetails } from '../tenancy.service';
import { TenancyService } from '../tenancy.service';

/** By the clock: who waited for the tenant's row began before a change that it has to see. */
const IS_ACTIVE = `state = 'active' AND (expires_at IS NULL OR expires_at > clock_timestamp())`;

/** Absent: stays as it is. */
export interface KeyChanges {
  readonly description?: string | null | undefined;
  readonly expiresAt?: Date | null | undefined;
  readonly scope?: KeyScope | null | undefined;
}

/** A new key, with its secret, which is not stored in clear and can't be told again. */
export interface CreatedKey {
  readonly key: AccessKey;
  readonly secretKey: string;
}

/** Access keys of the users of a tenant. Changes reach every gateway by notification when they commit. */
@Injectable()
export class KeyAdministrator {
  constructor(
    private readonly dataSource: DataSource,
    private readonly cipher: SecretCipher,
  ) {}

  /** At most `limit` keys in the order of their ids, revoked ones too; `after`: id of the last one of the page before. */
  async list(user: User, after: string | undefined, limit: number): Promise<AccessKey[]> {
    return this.dataSource
      .getRepository(AccessKey)
      .createQueryBuilder('k')
      .innerJoinAndSelect('k.user', 'u')
      .where('k.user_id = :user AND k.id > :after', { user: user.id, after: after ?? '' })
      .orderBy('k.id')
      .limit(limit)
      .getMany();
  }

  /** @throws TenancyError missing, also for a key of another tenant */
  async get(tenant: Tenant, accessKeyId: string): Promise<AccessKey> {
    return find(this.dataSource.manager, tenant, accessKeyId);
  }

  /**
   * @throws TenancyError conflict where the id is taken, the tenant is closing or has as many active keys as it may; invalid for
   * credentials that can't be
   */
  async create(
    tenant: Tenant,
    user: User,
    details: AccessKeyDetails,
    given: AccessKeyCredentials | undefined,
  ): Promise<CreatedKey> {
    return this.withinBound(tenant, (manager) => this.insert(manager, tenant, user, details, given));
  }

  /**
   * A new key of the same user and scope; the old one ends after `overlapSeconds`, or earlier where it would have anyway. Without overlap
   * the number of active keys stays, so that it goes also where there is no room for another.
   *
   * @throws TenancyError missing; conflict for a key that is not active any more, and as {@link create}
   */
  async rotate(tenant: Tenant, accessKeyId: string, overlapSeconds: number): Promise<CreatedKey & { old: AccessKey }> {
    return this.withinBound(tenant, async (manager) => {
      const { description, scope, user } = await find(manager, tenant, accessKeyId);
      const { affected } = await manager
        .createQueryBuilder()
        .update(AccessKey)
        .set({
          revision: () => 'revision + 1',
          expiresAt: () => 'least(expires_at, clock_timestamp() + make_interval(secs => :overlapSeconds))',
        })
        .where(`id = :accessKeyId AND ${IS_ACTIVE}`, { accessKeyId, overlapSeconds })
        .execute();
      if (affected !== 1) {
        throw new TenancyError(`The access key ${accessKeyId} was revoked or has expired`, { failure: 'conflict' });
      }
      const created = await this.insert(manager, tenant, user, { description, scope }, undefined);
      return { ...created, old: await find(manager, tenant, accessKeyId) };
    });
  }

  /**
   * @throws TenancyError changed, unless `revision` is the current one; conflict where a key that has expired would be active again
   * and one too many
   */
  async update(tenant: Tenant, key: AccessKey, revision: string, changes: KeyChanges): Promise<AccessKey> {
    const set = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
    return this.withinBound(tenant, async (manager) => {
      const { affected } = await manager
        .createQueryBuilder()
        .update(AccessKey)
        .set({ ...set, revision: () => 'revision + 1' })
        .where('id = :id AND revision = :revision', { id: key.id, revision })
        .execute();
      if (affected !== 1) throw changedMeanwhile();
      return find(manager, tenant, key.id);
    });
  }

  /** For good. Revoking again changes nothing. */
  async revoke(key: AccessKey): Promise<void> {
    await this.dataSource
      .createQueryBuilder()
      .update(AccessKey)
      .set({ state: 'revoked', revision: () => 'revision + 1' })
      .where('id = :id AND state = :active', { id: key.id, active: 'active' })
      .execute();
  }

  private async insert(
    manager: EntityManager,
    tenant: Tenant,
    user: User,
    details: AccessKeyDetails,
    given: AccessKeyCredentials | undefined,
  ): Promise<CreatedKey> {
    const credentials = await new TenancyService(manager, this.cipher).createAccessKey(user, given, details);
    return { key: await find(manager, tenant, credentials.accessKeyId), secretKey: credentials.secretKey };
  }

  /**
   * Holds the tenant's row during `work`, so that the number of active keys is exact however many are changed at once. Undoes work
   * that makes them more than there may be.
   */
  private async withinBound<T>({ id, name }: Tenant, work: (manager: EntityManager) => Promise<T>): Promise<T> {
    return this.dataSource.transaction(async (manager) => {
      const tenant = await manager.findOne(Tenant, { where: { id }, lock: { mode: 'for_no_key_update' } });
      if (tenant === null || tenant.state === 'closing') throw isClosing(name);
      const plan = tenant.planName === null ? null : await manager.findOneBy(Plan, { name: tenant.planName });
      const allowed = effectivePolicy(plan?.policy, tenant.policy).quota.accessKeys;
      if (allowed === undefined || allowed === null) return work(manager);
      const before = await countActive(manager, id);
      const result = await work(manager);
      const after = await countActive(manager, id);
      if (after <= allowed || after <= before) return result;
      throw new TenancyError(`The tenant ${name} may have ${String(allowed)} active access keys and has them`, {
        failure: 'conflict',
      });
    });
  }
}

async function countActive(manager: EntityManager, tenantId: string): Promise<number> {
  const rows: { count: string }[] = await manager.query(
    `SELECT count(*) FROM access_keys JOIN users u ON u.id = user_id WHERE u.tenant_id = $1 AND ${IS_ACTIVE}`,
    [tenantId],
  );
  return Number(rows[0]?.count ?? 0);
}

async function find(manager: EntityManager, tenant: Tenant, accessKeyId: string): Promise<AccessKey> {
  const key = await manager.findOne(AccessKey, {
    where: { id: accessKeyId, user: { tenantId: tenant.id } },
    relations: { user: true },
  });
  if (key === null) {
    throw new TenancyError(`There is no access key ${accessKeyId} of tenant ${tenant.name}`, { failure: 'missing' });
  }
  return key;
}
