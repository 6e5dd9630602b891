import { Injectable } from '@nestjs/common';
import { Environment } from '../../config/environment';
import type { ContainerQuota } from '../../context/policy/tenant-policy';
import { Database } from '../../database/database';
import type { Tenant } from '../../tenant/entities/tenant.entity';
import type { User } from '../../tenant/entities/user.entity';
import { AdminProblem } from '../admin-problem';
import type { ContainerView } from './container.view';

interface ContainerRow {
  readonly id: string;
  readonly name: string;
  readonly owner: string;
  readonly region: string;
  readonly versioning: ContainerView['versioning'];
  readonly quota: ContainerQuota;
  readonly placement: string | null;
  readonly revision: string;
  readonly created_at: Date;
  readonly bytes: string;
  readonly artifacts: string;
}

type Row = ContainerRow & Readonly<Record<string, unknown>>;

/** A container with the id by which the engine knows it. */
export interface ListedContainer {
  readonly id: string;
  readonly view: ContainerView;
}

const COLUMNS = `c.id, c.name, u.name AS owner, c.region, c.versioning, c.quota, c.placement, c.revision, c.created_at,
  usage.bytes, usage.artifacts`;
const FROM = `containers c JOIN users u ON u.id = c.owner_id CROSS JOIN LATERAL (
    SELECT coalesce(sum(n.bytes), 0) AS bytes, coalesce(sum(n.artifacts), 0) AS artifacts FROM usage_counters n
    WHERE n.tenant_id = c.tenant_id AND n.scope = 2 AND n.container_id = c.id
  ) usage`;

const LIST = {
  name: 'admin-containers-list',
  text: `SELECT ${COLUMNS} FROM ${FROM}
    WHERE c.tenant_id = $1 AND starts_with(c.name, $2) AND c.name > $3 ORDER BY c.name LIMIT $4`,
};
const FIND = {
  name: 'admin-containers-find',
  text: `SELECT ${COLUMNS} FROM ${FROM} WHERE c.tenant_id = $1 AND c.name = $2`,
};
const CREATE = {
  name: 'admin-containers-create',
  text: 'SELECT vaultaire_create_container($1, $2, $3, $4, $5) AS outcome',
};
const UPDATE = {
  name: 'admin-containers-update',
  text: `UPDATE containers SET quota = coalesce($3, quota), versioning = coalesce($4, versioning),
      placement = CASE WHEN $5 THEN $6 ELSE placement END,
      revision = revision + 1
    WHERE id = $1 AND revision = $2 RETURNING id`,
};
const DELETE = { name: 'admin-containers-delete', text: 'SELECT vaultaire_delete_container($1) AS outcome' };

/** Containers as operators see them: of any tenant, with what they hold. Gateways hear of changes by notification. */
@Injectable()
export class ContainerDirectory {
  constructor(
    private readonly database: Database,
    private readonly environment: Environment,
  ) {}

  /** At most `limit` containers in the byte order of their names; `after`: name of the last one of the page before. */
  async list(tenant: Tenant, prefix: string, after: string, limit: number): Promise<ContainerView[]> {
    const rows = await this.database.query<Row>(LIST, [tenant.id, prefix, after, limit]);
    return rows.map(viewOf);
  }

  /** @throws AdminProblem 404 */
  async get(tenant: Tenant, name: string): Promise<ListedContainer> {
    const [row] = await this.database.query<Row>(FIND, [tenant.id, name]);
    if (row === undefined) throw AdminProblem.notFound(`container ${name} of tenant ${tenant.name}`);
    return { id: row.id, view: viewOf(row) };
  }

  /**
   * @param limit containers that the tenant may have; null: any number
   * @throws AdminProblem 409 where the name is taken, or when there are as many as there may be
   */
  async create(tenant: Tenant, owner: User, name: string, limit: number | null): Promise<ContainerView> {
    const values = [tenant.id, name, owner.id, this.environment.region, limit];
    const [row] = await this.database.query<{ outcome: string }>(CREATE, values);
    if (row?.outcome === 'QuotaExceeded') {
      throw AdminProblem.conflict(`The tenant ${tenant.name} may have ${String(limit)} containers and has them`);
    }
    if (row?.outcome !== 'ok') throw AdminProblem.conflict(`There is a container ${name} already`);
    return (await this.get(tenant, name)).view;
  }

  /** Absent: stays. @throws AdminProblem 412 unless `revision` is the current one */
  async update(
    { id }: ListedContainer,
    revision: string,
    changes: {
      readonly quota?: ContainerQuota | undefined;
      readonly versioning?: 'enabled' | 'suspended' | undefined;
      /** Null: none of its own. */
      readonly placement?: string | null | undefined;
    },
  ): Promise<void> {
    const quota = changes.quota === undefined ? null : JSON.stringify(changes.quota);
    const { versioning = null, placement } = changes;
    const values = [id, revision, quota, versioning, placement !== undefined, placement ?? null];
    const rows = await this.database.query(UPDATE, values);
    if (rows.length === 0) throw AdminProblem.preconditionFailed();
  }

  /** Aborts its uploads in progress. @throws AdminProblem 409 while it holds a version */
  async delete({ id, view }: ListedContainer): Promise<void> {
    const [row] = await this.database.query<{ outcome: string }>(DELETE, [id]);
    if (row?.outcome === 'HasVersions') {
      throw AdminProblem.conflict(`The container ${view.name} is not empty: empty it first`);
    }
  }
}

function viewOf(row: ContainerRow): ContainerView {
  const { name, owner, region, versioning, quota, placement, revision } = row;
  const usage = { bytes: Number(row.bytes), artifacts: Number(row.artifacts) };
  const setting = placement === null ? {} : { placement };
  return { name, owner, region, versioning, quota, ...setting, usage, revision, createdAt: row.created_at };
}
