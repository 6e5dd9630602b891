import { Body, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiParam } from '@nestjs/swagger';
import { isString } from 'class-validator';
import { TenantAdministrator } from '../../tenant/administration/tenant.administrator';
import { UserAdministrator } from '../../tenant/administration/user.administrator';
import type { Tenant } from '../../tenant/entities/tenant.entity';
import type { User } from '../../tenant/entities/user.entity';
import { AdminAction } from '../admin-action.decorator';
import { AdminController } from '../admin-controller.decorator';
import { decodeCursor } from '../cursor';
import { IfMatch } from '../etag';
import { ApiPage, pageOf, PageQuery } from '../page';
import type { Page } from '../page';
import { tenancyProblems } from './tenancy-problems';
import { CreateUser, UpdateUser, UserView, userView } from './tenant.view';
import { TENANT_PARAMETER } from './tenants.controller';

export const USER_PARAMETER = { name: 'user', description: 'Name or id of the user', example: 'alice' };

/** `/tenants/:tenant/users`: persons and programs of a tenant. */
@AdminController('tenants/:tenant/users')
export class UsersController {
  constructor(
    private readonly tenants: TenantAdministrator,
    private readonly users: UserAdministrator,
  ) {}

  @Get()
  @AdminAction({ name: 'UserList', role: 'tenant-admin', summary: 'List the users of a tenant by name' })
  @ApiParam(TENANT_PARAMETER)
  @ApiPage(UserView)
  async list(@Param('tenant') tenant: string, @Query() { limit, cursor }: PageQuery): Promise<Page<UserView>> {
    const after = cursor === undefined ? undefined : decodeCursor(cursor, isString);
    const users = await this.users.list(await this.tenantOf(tenant), after, limit + 1);
    return pageOf(users, limit, ({ name }) => name, userView);
  }

  @Post()
  @AdminAction({ name: 'UserCreate', role: 'tenant-admin', summary: 'Create a user' })
  @ApiParam(TENANT_PARAMETER)
  @ApiCreatedResponse({ type: UserView })
  async create(@Param('tenant') tenant: string, @Body() body: CreateUser): Promise<UserView> {
    return userView(await tenancyProblems(this.users.create(await this.tenantOf(tenant), body)));
  }

  @Get(':user')
  @AdminAction({ name: 'UserGet', role: 'tenant-admin', summary: 'Show a user' })
  @ApiParam(TENANT_PARAMETER)
  @ApiParam(USER_PARAMETER)
  @ApiOkResponse({ type: UserView })
  async get(@Param('tenant') tenant: string, @Param('user') user: string): Promise<UserView> {
    return userView(await this.find(tenant, user));
  }

  @Patch(':user')
  @AdminAction({ name: 'UserUpdate', role: 'tenant-admin', summary: 'Change a user' })
  @ApiParam(TENANT_PARAMETER)
  @ApiParam(USER_PARAMETER)
  @ApiOkResponse({ type: UserView })
  async update(
    @Param('tenant') tenant: string,
    @Param('user') user: string,
    @IfMatch() revision: string,
    @Body() { displayName, email }: UpdateUser,
  ): Promise<UserView> {
    const found = await this.find(tenant, user);
    return userView(await tenancyProblems(this.users.update(found, revision, { displayName, email })));
  }

  @Delete(':user')
  @HttpCode(204)
  @AdminAction({
    name: 'UserDelete',
    role: 'tenant-admin',
    summary: 'Delete a user with its access keys',
    description: 'A user who owns containers stays (409).',
  })
  @ApiParam(TENANT_PARAMETER)
  @ApiParam(USER_PARAMETER)
  @ApiNoContentResponse({ description: 'The user is gone' })
  async delete(@Param('tenant') tenant: string, @Param('user') user: string): Promise<void> {
    await tenancyProblems(this.users.delete(await this.find(tenant, user)));
  }

  private tenantOf(nameOrId: string): Promise<Tenant> {
    return tenancyProblems(this.tenants.get(nameOrId));
  }

  private async find(tenant: string, user: string): Promise<User> {
    return tenancyProblems(this.users.get(await this.tenantOf(tenant), user));
  }
}
