import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { containerId, containerName, tenantId, userId } from '../../context/ids';
import type { ContainerName } from '../../context/ids';
import type { OperationContext } from '../../context/operation-context';
import type { ContainerQuota } from '../../context/policy/tenant-policy';
import { Database } from '../../database/database';
import type { Statement } from '../../database/database';
import { NotificationListener } from '../../database/notification-listener';
import { EngineError } from '../engine.errors';
import { ownerOf } from '../owner';
import type { Container, ContainerPage, VersioningState } from './container.types';

const CACHED_CONTAINERS = 10_000;
/** Bounds how long an entry may be wrong that was read just before a change and cached just after its NOTIFY. */
const CACHE_TTL_MS = 10_000;
const COLUMNS = 'id, tenant_id, name, owner_id, region, versioning, quota, placement, created_at';

const CREATE: Statement = {
  name: 'create_container',
  text: 'SELECT vaultaire_create_container($1, $2, $3, $4, $5) AS outcome',
};
const FIND: Statement = {
  name: 'find_container',
  text: `SELECT ${COLUMNS} FROM containers WHERE tenant_id = $1 AND name = $2`,
};
const LIST: Statement = {
  name: 'list_containers',
  text: `SELECT ${COLUMNS} FROM containers
    WHERE owner_id = $1 AND starts_with(name, $2) AND name > $3 ORDER BY name LIMIT $4`,
};
const DELETE: Statement = { name: 'delete_container', text: 'SELECT vaultaire_delete_container($1) AS outcome' };
const SET_VERSIONING: Statement = {
  name: 'set_versioning',
  text: 'UPDATE containers SET versioning = $2 WHERE id = $1 RETURNING id',
};
const GET_SETTING: Statement = {
  name: 'get_container_setting',
  text: 'SELECT document FROM container_settings WHERE container_id = $1 AND sub_resource = $2',
};
const PUT_SETTING: Statement = {
  name: 'put_container_setting',
  text: `INSERT INTO container_settings (container_id, sub_resource, document)
    SELECT id, $2, $3 FROM containers WHERE id = $1
    ON CONFLICT (container_id, sub_resource) DO UPDATE SET document = EXCLUDED.document RETURNING container_id`,
};
const DELETE_SETTING: Statement = {
  name: 'delete_container_setting',
  text: 'DELETE FROM container_settings WHERE container_id = $1 AND sub_resource = $2',
};

interface ContainerRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly name: string;
  readonly owner_id: string;
  readonly region: string;
  readonly versioning: VersioningState;
  readonly quota: ContainerQuota;
  readonly placement: string | null;
  readonly created_at: Date;
}

/**
 * Containers of the caller's tenant.
 *
 * A small cache saves the look-up on the hot path. It may lag behind another worker by the time of a NOTIFY, so nothing
 * is decided by it alone: commits check the container in their transaction, and a miss asks the database.
 */
@Injectable()
export class ContainerService {
  private readonly cache = new LRUCache<string, Container>({ max: CACHED_CONTAINERS, ttl: CACHE_TTL_MS });

  constructor(
    private readonly database: Database,
    notifications: NotificationListener,
  ) {
    notifications.subscribe('vaultaire_containers', (payload) => {
      if (payload === undefined) this.cache.clear();
      else this.cache.delete(payload);
    });
  }

  /**
   * `isNew` is false when the caller owned it already; throws `ContainerAlreadyExists` when somebody else does, and
   * `QuotaExceeded` when the tenant has as many containers as it may.
   */
  async create(
    ctx: OperationContext,
    request: { readonly name: ContainerName; readonly region: string },
  ): Promise<{ readonly container: Container; readonly isNew: boolean }> {
    const owner = ownerOf(ctx);
    const limit = ctx.quota?.containers ?? null;
    const [row] = await this.database.query<{ outcome: string }>(CREATE, [
      ctx.tenantId,
      request.name,
      owner.userId,
      request.region,
      limit,
    ]);
    if (row?.outcome === 'QuotaExceeded') {
      throw new EngineError({ kind: 'QuotaExceeded', scope: 'tenant', quota: 'containers', limit: limit ?? undefined });
    }
    const container = await this.getFresh(ctx, request.name);
    if (row?.outcome === 'ok') return { container, isNew: true };
    if (container.ownerId !== owner.userId) {
      throw new EngineError({ kind: 'ContainerAlreadyExists', container: request.name, isOwnedByCaller: false });
    }
    return { container, isNew: false };
  }

  /** May lag behind a change on another worker by milliseconds. Throws `NoSuchContainer`. */
  get(ctx: OperationContext, name: ContainerName): Promise<Container> {
    const cached = this.getCached(ctx, name);
    return cached === undefined ? this.getFresh(ctx, name) : Promise.resolve(cached);
  }

  /** The hot path's synchronous look; undefined says nothing about whether the container exists. */
  getCached(ctx: OperationContext, name: ContainerName): Container | undefined {
    return this.cache.get(cacheKey(ctx, name));
  }

  /** As the database has it now. Throws `NoSuchContainer`. */
  async getFresh(ctx: OperationContext, name: ContainerName): Promise<Container> {
    const [row] = await this.database.read<ContainerRow>(FIND, [ctx.tenantId, name]);
    if (row === undefined) {
      this.cache.delete(cacheKey(ctx, name));
      throw new EngineError({ kind: 'NoSuchContainer', container: name });
    }
    return this.remember(row);
  }

  /**
   * As the database has it now, for an operation that was allowed on what the cache said before. Throws `NoSuchContainer`, and
   * `Conflict` when the name went to another owner meanwhile, whose permission nobody asked for.
   */
  async getAgain(ctx: OperationContext, name: ContainerName, before: Container | undefined): Promise<Container> {
    const container = await this.getFresh(ctx, name);
    if (before !== undefined && before.ownerId !== container.ownerId) {
      throw new EngineError({ kind: 'Conflict', message: 'The container changed hands during the operation.' });
    }
    return container;
  }

  /** The caller's own containers in name order. `after`: names greater than it. `maxContainers`: at least 1. */
  async list(
    ctx: OperationContext,
    request: { readonly prefix: string; readonly after: string; readonly maxContainers: number },
  ): Promise<ContainerPage> {
    const rows = await this.database.query<ContainerRow>(LIST, [
      ownerOf(ctx).userId,
      request.prefix,
      request.after,
      request.maxContainers + 1,
    ]);
    const containers = rows.slice(0, request.maxContainers).map(toContainer);
    return { containers, nextAfter: rows.length > containers.length ? containers.at(-1)?.name : undefined };
  }

  /** Aborts uploads in progress. Throws `ContainerNotEmpty` while a version or a delete marker is in it. */
  async delete(ctx: OperationContext, name: ContainerName): Promise<void> {
    const container = await this.getFresh(ctx, name);
    const [row] = await this.database.query<{ outcome: string }>(DELETE, [container.id]);
    this.cache.delete(cacheKey(ctx, name));
    if (row?.outcome === 'NoSuchContainer') throw new EngineError({ kind: 'NoSuchContainer', container: name });
    if (row?.outcome !== 'ok') {
      throw new EngineError({
        kind: 'ContainerNotEmpty',
        container: name,
        hasVersions: container.versioning !== 'off',
      });
    }
  }

  async setVersioning(ctx: OperationContext, name: ContainerName, state: 'enabled' | 'suspended'): Promise<void> {
    const container = await this.getFresh(ctx, name);
    const rows = await this.database.query(SET_VERSIONING, [container.id, state]);
    this.cache.delete(cacheKey(ctx, name));
    if (rows.length === 0) throw new EngineError({ kind: 'NoSuchContainer', container: name });
  }

  /** Undefined: none were ever set, or they were removed. */
  async getTags(ctx: OperationContext, name: ContainerName): Promise<Readonly<Record<string, string>> | undefined> {
    const container = await this.getFresh(ctx, name);
    const [row] = await this.database.query<{ document: Record<string, string> }>(GET_SETTING, [
      container.id,
      'tagging',
    ]);
    return row?.document;
  }

  /** Replaces all tags; undefined removes them. */
  async setTags(
    ctx: OperationContext,
    name: ContainerName,
    tags: Readonly<Record<string, string>> | undefined,
  ): Promise<void> {
    const container = await this.getFresh(ctx, name);
    if (tags === undefined) {
      await this.database.query(DELETE_SETTING, [container.id, 'tagging']);
      return;
    }
    const rows = await this.database.query(PUT_SETTING, [container.id, 'tagging', JSON.stringify(tags)]);
    if (rows.length === 0) throw new EngineError({ kind: 'NoSuchContainer', container: name });
  }

  private remember(row: ContainerRow): Container {
    const container = toContainer(row);
    this.cache.set(`${row.tenant_id}/${row.name}`, container);
    return container;
  }
}

const cacheKey = (ctx: OperationContext, name: ContainerName): string => `${ctx.tenantId}/${name}`;

function toContainer(row: ContainerRow): Container {
  return {
    id: containerId(row.id),
    tenantId: tenantId(row.tenant_id),
    name: containerName(row.name),
    ownerId: userId(row.owner_id),
    region: row.region,
    versioning: row.versioning,
    quota: row.quota,
    placement: row.placement ?? undefined,
    createdAt: row.created_at,
  };
}
