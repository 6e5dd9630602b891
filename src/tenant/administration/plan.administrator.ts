import { Injectable } from '@nestjs/common';
import type { OnModuleInit } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { VaultaireConfig } from '../../config/vaultaire-config';
import type { TenantPolicy } from '../../context/policy/tenant-policy';
import { Plan } from '../entities/plan.entity';
import { Tenant } from '../entities/tenant.entity';
import { changedMeanwhile, TenancyError } from '../tenancy.error';

/** Absent: stays as it is. */
export interface PlanChanges {
  readonly description?: string | null | undefined;
  readonly policy?: TenantPolicy | undefined;
}

/** Plans: named sets of quotas and limits. Changes reach every gateway by notification when they commit. */
@Injectable()
export class PlanAdministrator implements OnModuleInit {
  constructor(
    private readonly dataSource: DataSource,
    private readonly config: VaultaireConfig,
  ) {}

  /**
   * Writes the plans of the configuration over those of the same names. A row that is as it should be is left alone. What no longer
   * stands in the configuration is administered by the API from then on, since tenants may have it.
   */
  async onModuleInit(): Promise<void> {
    await this.dataSource.query(
      `UPDATE plans SET source = 'api', revision = revision + 1, updated_at = now()
        WHERE source = 'file' AND name <> ALL($1::text[])`,
      [this.config.plans.map(({ name }) => name)],
    );
    for (const { name, description = null, policy } of this.config.plans) {
      await this.dataSource.query(
        `INSERT INTO plans (name, description, policy, source) VALUES ($1, $2, $3, 'file')
          ON CONFLICT (name) DO UPDATE SET description = EXCLUDED.description, policy = EXCLUDED.policy,
            source = 'file', revision = plans.revision + 1, updated_at = now()
          WHERE (plans.description, plans.policy, plans.source)
            IS DISTINCT FROM (EXCLUDED.description, EXCLUDED.policy, EXCLUDED.source)`,
        [name, description, JSON.stringify(policy)],
      );
    }
  }

  /** At most `limit` plans in the order of their names; `after`: name of the last one of the page before. */
  async list(after: string | undefined, limit: number): Promise<Plan[]> {
    return this.dataSource
      .getRepository(Plan)
      .createQueryBuilder('p')
      .where('p.name > :after', { after: after ?? '' })
      .orderBy('p.name')
      .limit(limit)
      .getMany();
  }

  /** @throws TenancyError missing */
  async get(name: string): Promise<Plan> {
    const plan = await this.dataSource.getRepository(Plan).findOneBy({ name });
    if (plan === null) throw new TenancyError(`There is no plan ${name}`, { failure: 'missing' });
    return plan;
  }

  /** @throws TenancyError conflict where the name is taken */
  async create(name: string, description: string | null, policy: TenantPolicy): Promise<Plan> {
    const rows: unknown[] = await this.dataSource.query(
      `INSERT INTO plans (name, description, policy) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING name`,
      [name, description, JSON.stringify(policy)],
    );
    if (rows.length === 0) throw new TenancyError(`There is a plan ${name} already`, { failure: 'conflict' });
    return this.get(name);
  }

  /** @throws TenancyError conflict for a plan of the configuration; changed, unless `revision` is the current one */
  async update(plan: Plan, revision: string, changes: PlanChanges): Promise<Plan> {
    refuseConfigured(plan);
    const set = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
    const { affected } = await this.dataSource
      .createQueryBuilder()
      .update(Plan)
      .set({ ...set, revision: () => 'revision + 1', updatedAt: () => 'now()' })
      .where('name = :name AND revision = :revision', { name: plan.name, revision })
      .execute();
    if (affected !== 1) throw changedMeanwhile();
    return this.get(plan.name);
  }

  /** @throws TenancyError conflict for a plan of the configuration, or while tenants have it */
  async delete(plan: Plan): Promise<void> {
    refuseConfigured(plan);
    await this.dataSource.transaction(async (manager) => {
      await manager.query('SELECT 1 FROM plans WHERE name = $1 FOR UPDATE', [plan.name]);
      if (await manager.existsBy(Tenant, { planName: plan.name })) {
        throw new TenancyError(`Tenants have the plan ${plan.name}`, { failure: 'conflict' });
      }
      await manager.delete(Plan, { name: plan.name });
    });
  }
}

function refuseConfigured({ name, source }: Plan): void {
  if (source === 'file') {
    throw new TenancyError(`The plan ${name} stands in the configuration file: change it there`, {
      failure: 'conflict',
    });
  }
}
