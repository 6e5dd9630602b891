import { Body, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiParam } from '@nestjs/swagger';
import { isUUID } from 'class-validator';
import { AdminAction } from '../admin-action.decorator';
import { AdminCaller } from '../admin-caller.decorator';
import { AdminController } from '../admin-controller.decorator';
import { AdminProblem } from '../admin-problem';
import { decodeCursor } from '../cursor';
import { ApiPage, pageOf, PageQuery } from '../page';
import type { Page } from '../page';
import { AdminTenantFinder } from './admin-tenant.finder';
import { AdminTokenService } from './admin-token.service';
import { AdminTokenView, CreateAdminToken, CreatedAdminToken } from './admin-token.view';
import { START_UP_TOKENS } from './bootstrap-admin-token';

const TOKEN_PARAMETER = {
  name: 'token',
  description: 'Id, or the name of a token that is not revoked',
  example: 'alice',
};

/** `/tokens`: who may use the admin API. */
@AdminController('tokens')
export class TokensController {
  constructor(
    private readonly tokens: AdminTokenService,
    private readonly tenants: AdminTenantFinder,
  ) {}

  @Get()
  @AdminAction({ name: 'TokenList', role: 'operator', summary: 'List tokens, latest first, revoked ones too' })
  @ApiPage(AdminTokenView)
  async list(@Query() { cursor, limit }: PageQuery): Promise<Page<AdminTokenView>> {
    const after = cursor === undefined ? undefined : decodeCursor(cursor, isId);
    const tokens = await this.tokens.list(after, limit + 1);
    return pageOf(
      tokens,
      limit,
      ({ id }) => id,
      (token) => token,
    );
  }

  @Post()
  @AdminAction({
    name: 'TokenCreate',
    role: 'operator',
    summary: 'Create a token',
    description: 'The answer holds the token, which is not stored and never shown again.',
  })
  @ApiCreatedResponse({ type: CreatedAdminToken })
  async create(@Body() body: CreateAdminToken, @AdminCaller() caller: AdminCaller): Promise<CreatedAdminToken> {
    if (START_UP_TOKENS.has(body.name)) {
      throw AdminProblem.badFields([
        { field: 'name', message: `name must not be ${body.name}, which the start-up uses` },
      ]);
    }
    const tenantId = await this.tenantOf(body);
    const expiresAt = body.expiresAt === undefined ? undefined : new Date(body.expiresAt);
    if (expiresAt !== undefined && expiresAt.getTime() <= Date.now()) {
      throw AdminProblem.badFields([{ field: 'expiresAt', message: 'expiresAt must be in the future' }]);
    }
    const { name, role } = body;
    if ((await this.tokens.findByName(name)) !== undefined) {
      throw AdminProblem.conflict(`There is an active token named ${name}`);
    }
    return this.tokens.create({ name, role, tenantId, expiresAt, createdBy: caller.actor });
  }

  @Get(':token')
  @AdminAction({ name: 'TokenGet', role: 'operator', summary: 'Show a token, without its secret' })
  @ApiParam(TOKEN_PARAMETER)
  @ApiOkResponse({ type: AdminTokenView })
  get(@Param('token') token: string): Promise<AdminTokenView> {
    return this.find(token);
  }

  @Delete(':token')
  @HttpCode(204)
  @AdminAction({
    name: 'TokenRevoke',
    role: 'operator',
    summary: 'Revoke a token',
    description:
      'It is refused everywhere within a second. The last active token of an operator stays (409). The token of ' +
      '`VAULTAIRE_ADMIN_TOKEN` is back at the next start, unless the variable was changed.',
  })
  @ApiParam(TOKEN_PARAMETER)
  @ApiNoContentResponse({ description: 'The token is revoked' })
  async revoke(@Param('token') token: string): Promise<void> {
    const { id } = await this.find(token);
    const revocation = await this.tokens.revoke(id);
    if (revocation === 'last operator') {
      throw AdminProblem.conflict('It is the last active token of an operator: create another one first');
    }
  }

  private async find(idOrName: string): Promise<AdminTokenView> {
    const token = await (isUUID(idOrName) ? this.tokens.findById(idOrName) : this.tokens.findByName(idOrName));
    if (token === undefined) throw AdminProblem.notFound(`token ${idOrName}`);
    return token;
  }

  private async tenantOf({ role, tenant }: CreateAdminToken): Promise<string | undefined> {
    if (role !== 'tenant-admin') {
      if (tenant === undefined) return undefined;
      throw AdminProblem.badFields([{ field: 'tenant', message: `tenant must not be set for the role ${role}` }]);
    }
    if (tenant === undefined) {
      throw AdminProblem.badFields([{ field: 'tenant', message: 'tenant must be set for the role tenant-admin' }]);
    }
    const id = await this.tenants.idOf(tenant);
    if (id === undefined) {
      throw AdminProblem.badFields([{ field: 'tenant', message: `tenant: there is no tenant ${tenant}` }]);
    }
    return id;
  }
}

function isId(value: unknown): value is string {
  return isUUID(value);
}
