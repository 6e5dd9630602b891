import { Body, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiParam } from '@nestjs/swagger';
import { isString } from 'class-validator';
import { KeyAdministrator } from '../../tenant/administration/key.administrator';
import type { CreatedKey } from '../../tenant/administration/key.administrator';
import { TenantAdministrator } from '../../tenant/administration/tenant.administrator';
import { UserAdministrator } from '../../tenant/administration/user.administrator';
import type { AccessKeyCredentials } from '../../tenant/tenancy.service';
import { AdminAction } from '../admin-action.decorator';
import { AdminCaller } from '../admin-caller.decorator';
import { AdminController } from '../admin-controller.decorator';
import { AdminProblem } from '../admin-problem';
import { decodeCursor } from '../cursor';
import { IfMatch } from '../etag';
import { ApiPage, pageOf, PageQuery } from '../page';
import type { Page } from '../page';
import { requireKnownOperations } from './known-operations';
import { tenancyProblems } from './tenancy-problems';
import { CreatedKeyView, CreateKey, KeyView, keyView, RotateKey, UpdateKey } from './tenant.view';
import { TENANT_PARAMETER } from './tenants.controller';
import { USER_PARAMETER } from './users.controller';

const KEY_PARAMETER = { name: 'key', description: 'Id of the access key', example: 'AKIAEXAMPLEEXAMPLE22' };
const KEY_TAG = 'Keys';

/** `/tenants/:tenant/users/:user/keys`: what a user signs requests with. */
@AdminController('tenants/:tenant/users/:user/keys', KEY_TAG)
export class UserKeysController {
  constructor(
    private readonly tenants: TenantAdministrator,
    private readonly users: UserAdministrator,
    private readonly keys: KeyAdministrator,
  ) {}

  @Get()
  @AdminAction({ name: 'KeyList', role: 'tenant-admin', summary: 'List the access keys of a user, without secrets' })
  @ApiParam(TENANT_PARAMETER)
  @ApiParam(USER_PARAMETER)
  @ApiPage(KeyView)
  async list(
    @Param('tenant') tenantName: string,
    @Param('user') userName: string,
    @Query() { limit, cursor }: PageQuery,
  ): Promise<Page<KeyView>> {
    const after = cursor === undefined ? undefined : decodeCursor(cursor, isString);
    const tenant = await tenancyProblems(this.tenants.get(tenantName));
    const user = await tenancyProblems(this.users.get(tenant, userName));
    return pageOf(await this.keys.list(user, after, limit + 1), limit, ({ id }) => id, keyView);
  }

  @Post()
  @AdminAction({
    name: 'KeyCreate',
    role: 'tenant-admin',
    summary: 'Create an access key',
    description: 'The answer holds the secret, which is shown this once.',
  })
  @ApiParam(TENANT_PARAMETER)
  @ApiParam(USER_PARAMETER)
  @ApiCreatedResponse({ type: CreatedKeyView })
  async create(
    @Param('tenant') tenantName: string,
    @Param('user') userName: string,
    @Body() body: CreateKey,
    @AdminCaller() caller: AdminCaller,
  ): Promise<CreatedKeyView> {
    requireKnownOperations(body.scope);
    const given = givenCredentials(body, caller);
    const tenant = await tenancyProblems(this.tenants.get(tenantName));
    const user = await tenancyProblems(this.users.get(tenant, userName));
    const { description, scope } = body;
    const details = { description, scope, expiresAt: futureTime(body.expiresAt) };
    return createdKeyView(await tenancyProblems(this.keys.create(tenant, user, details, given)));
  }
}

/** `/tenants/:tenant/keys/:key`: one access key, whose ever it is in the tenant. */
@AdminController('tenants/:tenant/keys', KEY_TAG)
export class KeysController {
  constructor(
    private readonly tenants: TenantAdministrator,
    private readonly keys: KeyAdministrator,
  ) {}

  @Get(':key')
  @AdminAction({ name: 'KeyGet', role: 'tenant-admin', summary: 'Show an access key, without its secret' })
  @ApiParam(TENANT_PARAMETER)
  @ApiParam(KEY_PARAMETER)
  @ApiOkResponse({ type: KeyView })
  async get(@Param('tenant') tenantName: string, @Param('key') id: string): Promise<KeyView> {
    const tenant = await tenancyProblems(this.tenants.get(tenantName));
    return keyView(await tenancyProblems(this.keys.get(tenant, id)));
  }

  @Patch(':key')
  @AdminAction({ name: 'KeyUpdate', role: 'tenant-admin', summary: 'Change the end, scope or description of a key' })
  @ApiParam(TENANT_PARAMETER)
  @ApiParam(KEY_PARAMETER)
  @ApiOkResponse({ type: KeyView })
  async update(
    @Param('tenant') tenantName: string,
    @Param('key') id: string,
    @IfMatch() revision: string,
    @Body() { description, scope, expiresAt }: UpdateKey,
  ): Promise<KeyView> {
    requireKnownOperations(scope);
    const tenant = await tenancyProblems(this.tenants.get(tenantName));
    const key = await tenancyProblems(this.keys.get(tenant, id));
    const changes = { description, scope, expiresAt: expiresAt === null ? null : timeOf(expiresAt) };
    return keyView(await tenancyProblems(this.keys.update(tenant, key, revision, changes)));
  }

  @Post(':key/rotate')
  @AdminAction({
    name: 'KeyRotate',
    role: 'tenant-admin',
    summary: 'Create a key that takes the place of another',
    description: 'Of the same user and scope. The old one ends after the overlap. The secret is shown this once.',
  })
  @ApiParam(TENANT_PARAMETER)
  @ApiParam(KEY_PARAMETER)
  @ApiCreatedResponse({ type: CreatedKeyView })
  async rotate(
    @Param('tenant') tenantName: string,
    @Param('key') id: string,
    @Body() { overlapSeconds }: RotateKey,
  ): Promise<CreatedKeyView> {
    const tenant = await tenancyProblems(this.tenants.get(tenantName));
    return createdKeyView(await tenancyProblems(this.keys.rotate(tenant, id, overlapSeconds)));
  }

  @Delete(':key')
  @HttpCode(204)
  @AdminAction({
    name: 'KeyRevoke',
    role: 'tenant-admin',
    summary: 'Revoke an access key',
    description: 'For good. It is refused everywhere within a second.',
  })
  @ApiParam(TENANT_PARAMETER)
  @ApiParam(KEY_PARAMETER)
  @ApiNoContentResponse({ description: 'The key is revoked' })
  async revoke(@Param('tenant') tenantName: string, @Param('key') id: string): Promise<void> {
    const tenant = await tenancyProblems(this.tenants.get(tenantName));
    await this.keys.revoke(await tenancyProblems(this.keys.get(tenant, id)));
  }
}

function createdKeyView({ key, secretKey }: CreatedKey): CreatedKeyView {
  return Object.assign(keyView(key), { secretKey });
}

function givenCredentials(
  { accessKeyId, secretKey }: CreateKey,
  { role }: AdminCaller,
): AccessKeyCredentials | undefined {
  if (accessKeyId === undefined && secretKey === undefined) return undefined;
  if (role !== 'operator') throw AdminProblem.forbidden('Only an operator may choose the id and the secret of a key');
  if (accessKeyId !== undefined && secretKey !== undefined) return { accessKeyId, secretKey };
  const field = accessKeyId === undefined ? 'accessKeyId' : 'secretKey';
  throw AdminProblem.badFields([{ field, message: 'accessKeyId and secretKey go together' }]);
}

function futureTime(text: string | undefined): Date | undefined {
  const time = timeOf(text);
  if (time !== undefined && time.getTime() <= Date.now()) {
    throw AdminProblem.badFields([{ field: 'expiresAt', message: 'expiresAt must be in the future' }]);
  }
  return time;
}

function timeOf(text: string | undefined): Date | undefined {
  return text === undefined ? undefined : new Date(text);
}
