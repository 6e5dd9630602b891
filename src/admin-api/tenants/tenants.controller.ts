import { Body, Delete, Get, HttpCode, Param, ParseBoolPipe, Patch, Post, Query } from '@nestjs/common';
import { ApiAcceptedResponse, ApiCreatedResponse, ApiOkResponse, ApiParam, ApiQuery } from '@nestjs/swagger';
import { isString } from 'class-validator';
import { Placements } from '../../engine/placement/placements';
import { JobView, jobView } from '../../jobs/admin/job.view';
import { TenantAdministrator } from '../../tenant/administration/tenant.administrator';
import { AdminAction } from '../admin-action.decorator';
import { AdminCaller } from '../admin-caller.decorator';
import { AdminController } from '../admin-controller.decorator';
import { decodeCursor } from '../cursor';
import { IfMatch } from '../etag';
import { ApiPage, pageOf } from '../page';
import type { Page } from '../page';
import { requirePlacement } from '../placements/require-placement';
import { tenancyProblems } from './tenancy-problems';
import { TenantClosing } from './tenant-closing';
import { CreateTenant, TenantQuery, TenantView, tenantView, UpdateTenant } from './tenant.view';

export const TENANT_PARAMETER = { name: 'tenant', description: 'Name or id of the tenant', example: 'acme' };

/** `/tenants`: the customers. */
@AdminController('tenants')
export class TenantsController {
  constructor(
    private readonly tenants: TenantAdministrator,
    private readonly closing: TenantClosing,
    private readonly placements: Placements,
  ) {}

  @Get()
  @AdminAction({ name: 'TenantList', role: 'viewer', summary: 'List tenants by name' })
  @ApiPage(TenantView)
  async list(@Query() { limit, cursor, state, prefix }: TenantQuery): Promise<Page<TenantView>> {
    const after = cursor === undefined ? undefined : decodeCursor(cursor, isString);
    const tenants = await this.tenants.list({ state, namePrefix: prefix, after }, limit + 1);
    return pageOf(tenants, limit, ({ name }) => name, tenantView);
  }

  @Post()
  @AdminAction({ name: 'TenantCreate', role: 'operator', summary: 'Create a tenant' })
  @ApiCreatedResponse({ type: TenantView })
  async create(@Body() { name, displayName, plan, policy }: CreateTenant): Promise<TenantView> {
    requirePlacement(this.placements, policy?.placement, 'policy.placement');
    return tenantView(await tenancyProblems(this.tenants.create(name, { displayName, planName: plan, policy })));
  }

  @Get(':tenant')
  @AdminAction({ name: 'TenantGet', role: 'tenant-admin', summary: 'Show a tenant' })
  @ApiParam(TENANT_PARAMETER)
  @ApiOkResponse({ type: TenantView })
  async get(@Param('tenant') tenant: string): Promise<TenantView> {
    return tenantView(await tenancyProblems(this.tenants.get(tenant)));
  }

  @Patch(':tenant')
  @AdminAction({
    name: 'TenantUpdate',
    role: 'operator',
    summary: 'Change, suspend or resume a tenant',
    description: 'What is left out stays. A suspended tenant is refused everywhere within a second.',
  })
  @ApiParam(TENANT_PARAMETER)
  @ApiOkResponse({ type: TenantView })
  async update(
    @Param('tenant') nameOrId: string,
    @IfMatch() revision: string,
    @Body() { displayName, state, plan, policy }: UpdateTenant,
  ): Promise<TenantView> {
    requirePlacement(this.placements, policy?.placement, 'policy.placement');
    const tenant = await tenancyProblems(this.tenants.get(nameOrId));
    const changes = { displayName, state, planName: plan, policy };
    return tenantView(await tenancyProblems(this.tenants.update(tenant, revision, changes)));
  }

  @Delete(':tenant')
  @HttpCode(202)
  @AdminAction({
    name: 'TenantClose',
    role: 'operator',
    summary: 'Close a tenant, and remove all that it holds as a job',
    description: 'Its requests are refused from now on. Its events stay. With containers only by `force=true` (409).',
  })
  @ApiParam(TENANT_PARAMETER)
  @ApiQuery({ name: 'force', required: false, type: Boolean, description: 'Remove its containers with all data' })
  @ApiAcceptedResponse({ type: JobView })
  async close(
    @Param('tenant') nameOrId: string,
    @AdminCaller() caller: AdminCaller,
    @Query('force', new ParseBoolPipe({ optional: true })) isForced = false,
  ): Promise<JobView> {
    const tenant = await tenancyProblems(this.tenants.get(nameOrId));
    return jobView(await this.closing.begin(tenant, isForced, caller.actor));
  }
}
