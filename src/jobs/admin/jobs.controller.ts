import { Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiOkResponse, ApiParam } from '@nestjs/swagger';
import { isUUID } from 'class-validator';
import { AdminAction } from '../../admin-api/admin-action.decorator';
import { AdminCaller } from '../../admin-api/admin-caller.decorator';
import { AdminController } from '../../admin-api/admin-controller.decorator';
import { AdminProblem } from '../../admin-api/admin-problem';
import { decodeCursor } from '../../admin-api/cursor';
import { ApiPage, pageOf } from '../../admin-api/page';
import type { Page } from '../../admin-api/page';
import { AdminTenantFinder } from '../../admin-api/tokens/admin-tenant.finder';
import { JobService } from '../job.service';
import type { Job } from '../job.types';
import { JobQuery, JobView, jobView } from './job.view';

const JOB_PARAMETER = { name: 'job', description: 'Id of the job', format: 'uuid' };

/** `/jobs`. A tenant-admin sees the jobs of its own tenant. */
@AdminController('jobs')
export class JobsController {
  constructor(
    private readonly jobs: JobService,
    private readonly tenants: AdminTenantFinder,
  ) {}

  @Get()
  @AdminAction({ name: 'JobList', role: 'tenant-admin', isConfinedByHandler: true, summary: 'List jobs, latest first' })
  @ApiPage(JobView)
  async list(@Query() query: JobQuery, @AdminCaller() caller: AdminCaller): Promise<Page<JobView>> {
    const after = query.cursor === undefined ? undefined : decodeCursor(query.cursor, isId);
    const { kind, state, limit } = query;
    const tenantId = await this.tenantOf(query.tenant, caller);
    const jobs = await this.jobs.list({ tenantId, kind, state, after }, limit + 1);
    return pageOf(jobs, limit, (job) => job.id, jobView);
  }

  @Get(':job')
  @AdminAction({ name: 'JobGet', role: 'tenant-admin', isConfinedByHandler: true, summary: 'Show a job' })
  @ApiParam(JOB_PARAMETER)
  @ApiOkResponse({ type: JobView })
  async get(@Param('job') id: string, @AdminCaller() caller: AdminCaller): Promise<JobView> {
    return jobView(await this.find(id, caller));
  }

  @Post(':job/cancel')
  @HttpCode(200)
  @AdminAction({
    name: 'JobCancel',
    role: 'tenant-admin',
    isConfinedByHandler: true,
    summary: 'Ask a job to stop',
    description: 'What it has done stays done. A job that runs stops within moments. 409: it had ended before.',
  })
  @ApiParam(JOB_PARAMETER)
  @ApiOkResponse({ type: JobView })
  async cancel(@Param('job') id: string, @AdminCaller() caller: AdminCaller): Promise<JobView> {
    await this.find(id, caller);
    const cancellation = await this.jobs.cancel(id);
    if (cancellation === undefined) throw AdminProblem.notFound(`job ${id}`);
    if (cancellation.kind === 'over') throw AdminProblem.conflict(`The job is ${cancellation.job.state} already`);
    return jobView(cancellation.job);
  }

  private async find(id: string, caller: AdminCaller): Promise<Job> {
    const job = isUUID(id) ? await this.jobs.find(id) : undefined;
    const isVisible = caller.tenantId === undefined || caller.tenantId === job?.tenantId;
    if (job === undefined || !isVisible) throw AdminProblem.notFound(`job ${id}`);
    return job;
  }

  private async tenantOf(named: string | undefined, caller: AdminCaller): Promise<string | undefined> {
    if (named === undefined) return caller.tenantId;
    const id = await this.tenants.idOf(named);
    const isVisible = caller.tenantId === undefined || caller.tenantId === id;
    if (id === undefined || !isVisible) throw AdminProblem.notFound(`tenant ${named}`);
    return id;
  }
}

function isId(value: unknown): value is string {
  return isUUID(value);
}
