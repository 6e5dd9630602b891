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
import { changedMeanwhile, TenancyError } from '../tenancy.error';
import type { AccessKeyCredentials, AccessKeyDetails } from '../tenancy.service';
import { TenancyService } from '../tenancy.service';

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
   * @throws TenancyError conflict where the id is taken or the tenant has as many active keys as it may, invalid for
   * credentials that can't be
   */
  async create(
    tenant: Tenant,
    user: User,
    details: AccessKeyDetails,
    given: AccessKeyCredentials | undefined,
  ): Promise<CreatedKey> {
    return this.dataSource.transaction(async (manager) => {
      await this.requireRoom(manager, tenant);
      return this.insert(manager, tenant, user, details, given);
    });
  }

  /**
   * A new key of the same user and scope; the old one ends after `overlapSeconds`, or earlier where it would have anyway.
   *
   * @throws TenancyError missing; conflict for a key that was revoked
   */
  async rotate(tenant: Tenant, accessKeyId: string, overlapSeconds: number): Promise<CreatedKey & { old: AccessKey }> {
    return this.dataSource.transaction(async (manager) => {
      const before = await find(manager, tenant, accessKeyId);
      if (before.state !== 'active') {
        throw new TenancyError(`The access key ${accessKeyId} was revoked`, { failure: 'conflict' });
      }
      await this.requireRoom(manager, tenant);
      const { description, scope } = before;
      const created = await this.insert(manager, tenant, before.user, { description, scope }, undefined);
      await manager.query(
        `UPDATE access_keys SET revision = revision + 1,
           expires_at = least(expires_at, now() + make_interval(secs => $2)) WHERE id = $1`,
        [accessKeyId, overlapSeconds],
      );
      return { ...created, old: await find(manager, tenant, accessKeyId) };
    });
  }

  /** @throws TenancyError changed, unless `revision` is the current one */
  async update(tenant: Tenant, key: AccessKey, revision: string, changes: KeyChanges): Promise<AccessKey> {
    const set = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
    const { affected } = await this.dataSource
      .createQueryBuilder()
      .update(AccessKey)
      .set({ ...set, revision: () => 'revision + 1' })
      .where('id = :id AND revision = :revision', { id: key.id, revision })
      .execute();
    if (affected !== 1) throw changedMeanwhile();
    return this.get(tenant, key.id);
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

  /** Holds the tenant's row, so that the number of keys is exact however many are created at once. */
  private async requireRoom(manager: EntityManager, { id, name }: Tenant): Promise<void> {
    const tenant = await manager.findOneOrFail(Tenant, { where: { id }, lock: { mode: 'for_no_key_update' } });
    const plan = tenant.planName === null ? null : await manager.findOneBy(Plan, { name: tenant.planName });
    const allowed = effectivePolicy(plan?.policy, tenant.policy).quota.accessKeys;
    if (allowed === undefined || allowed === null) return;
    const rows: { count: string }[] = await manager.query(
      `SELECT count(*) FROM access_keys k JOIN users u ON u.id = k.user_id
        WHERE u.tenant_id = $1 AND k.state = 'active' AND (k.expires_at IS NULL OR k.expires_at > now())`,
      [id],
    );
    if (Number(rows[0]?.count ?? 0) < allowed) return;
    throw new TenancyError(`The tenant ${name} may have ${String(allowed)} active access keys and has them`, {
      failure: 'conflict',
    });
  }
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
