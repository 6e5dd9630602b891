import { Injectable } from '@nestjs/common';
import type { OnModuleInit } from '@nestjs/common';
import { Database } from '../../database/database';
import type { Queryable } from '../../database/database';
import { Detacher } from '../../engine/attach/detacher';
import { JobService } from '../../jobs/job.service';
import type { Job, JobControl } from '../../jobs/job.types';

/** Kind of job: removes all versions and uploads of a container, which stays. Parameters: `containerId`, `container`, `deleteForeignData`. */
export const CONTAINER_EMPTY = 'container-empty';
/** Kind of job: removes a tenant that is closing, with all that it has. Parameters: `tenantId`, `tenant`. */
export const TENANT_CLOSE = 'tenant-close';

/** Each key of a batch holds a lock, and PostgreSQL's lock table is of a fixed size. */
const BATCH_VERSIONS = 100;
const BATCH_UPLOADS = 100;

const SOME_VERSIONS = {
  name: 'empty-container-versions',
  text: `SELECT key, id, is_null_version, blob_id FROM artifact_versions WHERE container_id = $1 ORDER BY key, id DESC LIMIT $2`,
};
const DELETE_VERSIONS = {
  name: 'empty-container-delete',
  text: `SELECT outcome FROM vaultaire_delete_artifacts($1, $2, $3, $4,
    (SELECT owner_id FROM containers WHERE id = $1), $5::text[], $5::timestamptz[], $5::bigint[])`,
};
const SOME_UPLOADS = {
  name: 'empty-container-uploads',
  text: `SELECT id FROM multipart_uploads WHERE container_id = $1 AND state = 'open' LIMIT $2`,
};
const ABORT_UPLOADS = { name: 'empty-container-abort', text: 'SELECT vaultaire_abort_uploads($1) AS aborted' };
const CONTAINERS_OF_TENANT = {
  name: 'close-tenant-containers',
  text: `SELECT id, name FROM containers WHERE tenant_id = $1 ORDER BY id`,
};
const DELETE_CONTAINER = { name: 'close-tenant-container', text: 'SELECT vaultaire_delete_container($1) AS outcome' };
/** Holds up who would add a container: its row refers to this one. */
const HOLD_TENANT = { name: 'close-tenant-hold', text: 'SELECT id FROM tenants WHERE id = $1 FOR UPDATE' };
const DELETE_USERS = { name: 'close-tenant-users', text: 'DELETE FROM users WHERE tenant_id = $1' };
const DELETE_TENANT = { name: 'close-tenant', text: `DELETE FROM tenants WHERE id = $1 AND state = 'closing'` };

interface VersionToRemove {
  readonly key: string;
  readonly id: string;
  readonly is_null_version: boolean;
  readonly blob_id: string | null;
}

/** What a job of this kind counts. */
interface Removed {
  versionsRemoved: number;
  uploadsAborted: number;
  containersRemoved: number;
}

/**
 * The jobs that remove much: in batches, each a transaction of its own, so that they can be cancelled between two and go on
 * in another process. Bytes go as with any delete: the sweeper removes them after their grace period.
 */
@Injectable()
export class ContainerEmptier implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly jobs: JobService,
    private readonly detacher: Detacher,
  ) {}

  onModuleInit(): void {
    this.jobs.registerHandler(CONTAINER_EMPTY, async (job, control) => {
      const { containerId, deleteForeignData } = control.parameters;
      const deletesForeign = deleteForeignData === true;
      await this.empty(String(containerId), deletesForeign, countedBefore(job), control);
      if (!deletesForeign) return;
      await this.detacher.untilDeleted(String(containerId), control.signal, (objectsWaiting) =>
        control.progress({ objectsWaiting }),
      );
    });
    this.jobs.registerHandler(TENANT_CLOSE, async (job, control) => {
      await this.closeTenant(String(control.parameters.tenantId), countedBefore(job), control);
    });
  }

  private async empty(
    containerId: string,
    deletesForeign: boolean,
    removed: Removed,
    control: JobControl,
  ): Promise<void> {
    for (;;) {
      control.signal.throwIfAborted();
      const versions = await this.removeVersions(containerId, deletesForeign);
      const uploads = await this.abortUploads(containerId);
      if (versions + uploads === 0) return;
      removed.versionsRemoved += versions;
      removed.uploadsAborted += uploads;
      await control.progress({ ...removed });
    }
  }

  private async closeTenant(tenantId: string, removed: Removed, control: JobControl): Promise<void> {
    for (;;) {
      const containers = await this.database.query<{ id: string; name: string }>(CONTAINERS_OF_TENANT, [tenantId]);
      if (containers.length === 0 && (await this.removeTenant(tenantId))) return;
      for (const { id } of containers) {
        await this.empty(id, false, removed, control);
        const [row] = await this.database.query<{ outcome: string }>(DELETE_CONTAINER, [id]);
        // A request that was let in before the tenant closed may have written once more: the next round takes it.
        if (row?.outcome === 'ok') removed.containersRemoved += 1;
        await control.progress({ ...removed });
      }
    }
  }

  /** False: a request that was let in before the tenant closed has made another container. */
  private removeTenant(tenantId: string): Promise<boolean> {
    return this.database.transaction(async (tx: Queryable) => {
      await tx.query(HOLD_TENANT, [tenantId]);
      if ((await tx.query(CONTAINERS_OF_TENANT, [tenantId])).length > 0) return false;
      await tx.query(DELETE_USERS, [tenantId]);
      await tx.query(DELETE_TENANT, [tenantId]);
      return true;
    });
  }

  private async removeVersions(containerId: string, deletesForeign: boolean): Promise<number> {
    const versions = await this.database.query<VersionToRemove & Readonly<Record<string, unknown>>>(SOME_VERSIONS, [
      containerId,
      BATCH_VERSIONS,
    ]);
    if (versions.length === 0) return 0;
    if (deletesForeign) await this.detacher.mark(containerId, versions);
    await this.database.query(DELETE_VERSIONS, [
      containerId,
      versions.map(({ key }) => key),
      versions.map(({ is_null_version: isNull }) => (isNull ? 'null' : 'id')),
      versions.map(({ is_null_version: isNull, id }) => (isNull ? null : id)),
      versions.map(() => null),
    ]);
    return versions.length;
  }

  private async abortUploads(containerId: string): Promise<number> {
    const uploads = await this.database.query<{ id: string }>(SOME_UPLOADS, [containerId, BATCH_UPLOADS]);
    if (uploads.length > 0) await this.database.query(ABORT_UPLOADS, [uploads.map(({ id }) => id)]);
    return uploads.length;
  }
}

function countedBefore({ progress }: Job): Removed {
  const count = (name: keyof Removed): number => (typeof progress[name] === 'number' ? progress[name] : 0);
  return {
    versionsRemoved: count('versionsRemoved'),
    uploadsAborted: count('uploadsAborted'),
    containersRemoved: count('containersRemoved'),
  };
}
