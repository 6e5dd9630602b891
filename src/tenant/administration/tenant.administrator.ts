import { Injectable } from '@nestjs/common';
import { isUUID } from 'class-validator';
import { DataSource } from 'typeorm';
import type { EntityManager } from 'typeorm';
import type { TenantPolicy } from '../../context/policy/tenant-policy';
import { VaultaireConfig } from '../../config/vaultaire-config';
import { Plan } from '../entities/plan.entity';
import { Tenant } from '../entities/tenant.entity';
import type { TenantState } from '../entities/tenant.entity';
import { SecretCipher } from '../secret-cipher';
import { changedMeanwhile, isClosing, TenancyError } from '../tenancy.error';
import type { NewTenantDetails } from '../tenancy.service';
import { TenancyService } from '../tenancy.service';

export interface TenantFilter {
  readonly state?: TenantState | undefined;
  readonly namePrefix?: string | undefined;
  /** Name of the last tenant of the page before. */
  readonly after?: string | undefined;
}

/** Absent: stays as it is. */
export interface TenantChanges {
  readonly displayName?: string | null | undefined;
  readonly state?: 'active' | 'suspended' | undefined;
  readonly planName?: string | null | undefined;
  readonly policy?: TenantPolicy | undefined;
}

/** Tenants as operators administer them. Changes reach every gateway by notification when they commit. */
@Injectable()
export class TenantAdministrator {
  constructor(
    private readonly dataSource: DataSource,
    private readonly cipher: SecretCipher,
    private readonly config: VaultaireConfig,
  ) {}

  /** At most `limit` tenants in the order of their names. */
  async list({ state, namePrefix = '', after = '' }: TenantFilter, limit: number): Promise<Tenant[]> {
    const query = this.dataSource
      .getRepository(Tenant)
      .createQueryBuilder('t')
      .where('t.name > :after AND starts_with(t.name, :namePrefix)', { after, namePrefix });
    if (state !== undefined) query.andWhere('t.state = :state', { state });
    return query.orderBy('t.name').limit(limit).getMany();
  }

  /** @throws TenancyError missing */
  async get(nameOrId: string): Promise<Tenant> {
    const where = isUUID(nameOrId) ? { id: nameOrId } : { name: nameOrId };
    const tenant = await this.dataSource.getRepository(Tenant).findOneBy(where);
    if (tenant === null) throw new TenancyError(`There is no tenant ${nameOrId}`, { failure: 'missing' });
    return tenant;
  }

  /** The policy of a tenant's plan; undefined without one. */
  async planPolicyOf(tenant: Tenant): Promise<TenantPolicy | undefined> {
    if (tenant.planName === null) return undefined;
    return (await this.dataSource.getRepository(Plan).findOneBy({ name: tenant.planName }))?.policy;
  }

  /** @throws TenancyError conflict where the name is taken, invalid for a bad name or a plan that is not there */
  async create(name: string, details: NewTenantDetails): Promise<Tenant> {
    return this.dataSource.transaction(async (manager) => {
      const planName = details.planName === undefined ? this.config.defaultPlan : details.planName;
      if (planName !== undefined && planName !== null) await requirePlan(manager, planName);
      await new TenancyService(manager, this.cipher).createTenant(name, { ...details, planName });
      return manager.findOneByOrFail(Tenant, { name });
    });
  }

  /** @throws TenancyError changed, unless `revision` is the current one; conflict for a tenant that is closing */
  async update(tenant: Tenant, revision: string, changes: TenantChanges): Promise<Tenant> {
    return this.dataSource.transaction(async (manager) => {
      if (tenant.state === 'closing') throw isClosing(tenant.name);
      if (typeof changes.planName === 'string') await requirePlan(manager, changes.planName);
      const set = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
      const { affected } = await manager
        .createQueryBuilder()
        .update(Tenant)
        .set({ ...set, revision: () => 'revision + 1', updatedAt: () => 'now()' })
        .where('id = :id AND revision = :revision AND state <> :closing', {
          id: tenant.id,
          revision,
          closing: 'closing',
        })
        .execute();
      if (affected !== 1) throw changedMeanwhile();
      return manager.findOneByOrFail(Tenant, { id: tenant.id });
    });
  }
}

async function requirePlan(manager: EntityManager, name: string): Promise<void> {
  if (!(await manager.existsBy(Plan, { name }))) throw new TenancyError(`There is no plan ${name}`, { field: 'plan' });
}
