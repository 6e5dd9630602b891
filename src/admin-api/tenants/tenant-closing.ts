import { Injectable } from '@nestjs/common';
import { Database } from '../../database/database';
import { JobService } from '../../jobs/job.service';
import type { Job } from '../../jobs/job.types';
import type { Tenant } from '../../tenant/entities/tenant.entity';
import { AdminProblem } from '../admin-problem';
import { TENANT_CLOSE } from '../containers/container-emptier';

/** Holds up who would add a container: its row refers to this one. */
const HOLD = {
  name: 'tenant-closing-hold',
  text: `SELECT state, EXISTS (SELECT FROM containers c WHERE c.tenant_id = t.id) AS has_containers
    FROM tenants t WHERE id = $1 FOR UPDATE`,
};
const CLOSE = {
  name: 'tenant-closing-close',
  text: `UPDATE tenants SET state = 'closing', revision = revision + 1, updated_at = now()
    WHERE id = $1 AND state <> 'closing'`,
};
const UNFINISHED_JOB = {
  name: 'tenant-closing-job',
  text: `SELECT id FROM jobs WHERE kind = $1 AND parameters ->> 'tenantId' = $2 AND state IN ('queued', 'running')`,
};

/** Begins the end of a tenant. */
@Injectable()
export class TenantClosing {
  constructor(
    private readonly database: Database,
    private readonly jobs: JobService,
  ) {}

  /**
   * Refuses all requests of the tenant from now on, for good, and queues the job that removes what it has: both or neither.
   * Asked again, answers the job that is under way, or queues another where that was cancelled or failed.
   *
   * @param isForced also where it has containers
   * @throws AdminProblem 409 where it has containers, 404 where it is gone
   */
  async begin(tenant: Tenant, isForced: boolean, createdBy: string): Promise<Job> {
    const { id, name } = tenant;
    return this.database.transaction(async (tx) => {
      const [held] = await tx.query<{ state: string; has_containers: boolean }>(HOLD, [id]);
      if (held === undefined) throw AdminProblem.notFound(`tenant ${name}`);
      if (held.has_containers && held.state !== 'closing' && !isForced) {
        throw AdminProblem.conflict(`The tenant ${name} has containers; force=true removes them`);
      }
      await tx.query(CLOSE, [id]);
      const [unfinished] = await tx.query<{ id: string }>(UNFINISHED_JOB, [TENANT_CLOSE, id]);
      const underWay = unfinished === undefined ? undefined : await this.jobs.find(unfinished.id);
      // Without a tenant of its own: the row of the tenant goes with it.
      return underWay ?? this.jobs.enqueue(TENANT_CLOSE, { tenantId: id, tenant: name }, { createdBy, within: tx });
    });
  }
}
