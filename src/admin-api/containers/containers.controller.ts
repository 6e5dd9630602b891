import { Body, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiParam,
} from '@nestjs/swagger';
import { isString } from 'class-validator';
import { effectivePolicy } from '../../context/policy/effective-policy';
import { Placements } from '../../engine/placement/placements';
import { JobView, jobView } from '../../jobs/admin/job.view';
import { JobService } from '../../jobs/job.service';
import { isValidBucketName } from '../../s3-api/http/bucket-name';
import { TenantAdministrator } from '../../tenant/administration/tenant.administrator';
import { UserAdministrator } from '../../tenant/administration/user.administrator';
import type { Tenant } from '../../tenant/entities/tenant.entity';
import { AdminAction } from '../admin-action.decorator';
import { AdminCaller } from '../admin-caller.decorator';
import { AdminController } from '../admin-controller.decorator';
import { AdminProblem } from '../admin-problem';
import { decodeCursor } from '../cursor';
import { IfMatch } from '../etag';
import { ApiPage, pageOf } from '../page';
import type { Page } from '../page';
import { requirePlacement } from '../placements/require-placement';
import { tenancyProblems } from '../tenants/tenancy-problems';
import { TENANT_PARAMETER } from '../tenants/tenants.controller';
import { CONTAINER_EMPTY } from './container-emptier';
import { ContainerDirectory } from './container.directory';
import { ContainerQuery, ContainerView, CreateContainer, EmptyContainer, UpdateContainer } from './container.view';

export const CONTAINER_PARAMETER = { name: 'container', description: 'Name of the container', example: 'photos' };

/** `/tenants/:tenant/containers`: what S3 calls buckets. */
@AdminController('tenants/:tenant/containers')
export class ContainersController {
  constructor(
    private readonly tenants: TenantAdministrator,
    private readonly users: UserAdministrator,
    private readonly containers: ContainerDirectory,
    private readonly jobs: JobService,
    private readonly placements: Placements,
  ) {}

  @Get()
  @AdminAction({ name: 'ContainerList', role: 'tenant-admin', summary: 'List containers by name, with what they hold' })
  @ApiParam(TENANT_PARAMETER)
  @ApiPage(ContainerView)
  async list(
    @Param('tenant') tenantName: string,
    @Query() { limit, cursor, prefix = '' }: ContainerQuery,
  ): Promise<Page<ContainerView>> {
    const after = cursor === undefined ? '' : decodeCursor(cursor, isString);
    const containers = await this.containers.list(await this.tenantOf(tenantName), prefix, after, limit + 1);
    return pageOf(
      containers,
      limit,
      ({ name }) => name,
      (container) => container,
    );
  }

  @Post()
  @AdminAction({ name: 'ContainerCreate', role: 'tenant-admin', summary: 'Create a container for a user' })
  @ApiParam(TENANT_PARAMETER)
  @ApiCreatedResponse({ type: ContainerView })
  async create(@Param('tenant') tenantName: string, @Body() { name, owner }: CreateContainer): Promise<ContainerView> {
    if (!isValidBucketName(name)) {
      throw AdminProblem.badFields([{ field: 'name', message: 'name must follow the rules for names of S3 buckets' }]);
    }
    const tenant = await this.tenantOf(tenantName);
    if (tenant.state === 'closing') throw AdminProblem.conflict(`The tenant ${tenant.name} is closing`);
    const user = await tenancyProblems(this.users.get(tenant, owner));
    const { quota } = effectivePolicy(await this.tenants.planPolicyOf(tenant), tenant.policy);
    return this.containers.create(tenant, user, name, quota.containers ?? null);
  }

  @Get(':container')
  @AdminAction({ name: 'ContainerGet', role: 'tenant-admin', summary: 'Show a container' })
  @ApiParam(TENANT_PARAMETER)
  @ApiParam(CONTAINER_PARAMETER)
  @ApiOkResponse({ type: ContainerView })
  async get(@Param('tenant') tenantName: string, @Param('container') name: string): Promise<ContainerView> {
    return (await this.containers.get(await this.tenantOf(tenantName), name)).view;
  }

  @Patch(':container')
  @AdminAction({
    name: 'ContainerUpdate',
    role: 'tenant-admin',
    summary: 'Change the quota, the versioning or the placement of a container',
    description:
      'Holds everywhere within a second. What was written before stays where it is. Only operators may change the placement.',
  })
  @ApiParam(TENANT_PARAMETER)
  @ApiParam(CONTAINER_PARAMETER)
  @ApiOkResponse({ type: ContainerView })
  async update(
    @Param('tenant') tenantName: string,
    @Param('container') name: string,
    @IfMatch() revision: string,
    @Body() { quota, versioning, placement }: UpdateContainer,
    @AdminCaller() caller: AdminCaller,
  ): Promise<ContainerView> {
    if (placement !== undefined && caller.role !== 'operator') {
      throw AdminProblem.forbidden('Only an operator may change the placement of a container');
    }
    requirePlacement(this.placements, placement, 'placement');
    const tenant = await this.tenantOf(tenantName);
    await this.containers.update(await this.containers.get(tenant, name), revision, { quota, versioning, placement });
    return (await this.containers.get(tenant, name)).view;
  }

  @Delete(':container')
  @HttpCode(204)
  @AdminAction({
    name: 'ContainerDelete',
    role: 'tenant-admin',
    summary: 'Delete an empty container',
    description: 'Uploads in progress are aborted. A container with versions stays (409).',
  })
  @ApiParam(TENANT_PARAMETER)
  @ApiParam(CONTAINER_PARAMETER)
  @ApiNoContentResponse({ description: 'The container is gone' })
  async delete(@Param('tenant') tenantName: string, @Param('container') name: string): Promise<void> {
    await this.containers.delete(await this.containers.get(await this.tenantOf(tenantName), name));
  }

  @Post(':container/empty')
  @HttpCode(202)
  @AdminAction({
    name: 'ContainerEmpty',
    role: 'tenant-admin',
    summary: 'Remove all versions and uploads of a container, as a job',
    description:
      'The container stays. What is written meanwhile is removed too. Objects of attached sources stay where they are, unless an ' +
      'operator says `deleteForeignData`.',
  })
  @ApiParam(TENANT_PARAMETER)
  @ApiParam(CONTAINER_PARAMETER)
  @ApiAcceptedResponse({ type: JobView })
  async empty(
    @Param('tenant') tenantName: string,
    @Param('container') name: string,
    @Body() { deleteForeignData }: EmptyContainer,
    @AdminCaller() caller: AdminCaller,
  ): Promise<JobView> {
    if (deleteForeignData && caller.role !== 'operator') {
      throw AdminProblem.forbidden('Only an operator may delete what was attached at its source');
    }
    const tenant = await this.tenantOf(tenantName);
    const { id } = await this.containers.get(tenant, name);
    const options = { tenantId: tenant.id, createdBy: caller.actor };
    const parameters = { containerId: id, container: name, deleteForeignData };
    return jobView(await this.jobs.enqueue(CONTAINER_EMPTY, parameters, options));
  }

  private tenantOf(nameOrId: string): Promise<Tenant> {
    return tenancyProblems(this.tenants.get(nameOrId));
  }
}
