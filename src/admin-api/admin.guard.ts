import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request } from 'express';
import { AdminRateLimiter } from '../tenant/throttling/admin-rate-limiter';
import { ADMIN_ACTION } from './admin-action.decorator';
import type { AdminActionOptions } from './admin-action.decorator';
import { AdminProblem } from './admin-problem';
import { adminRequestOf } from './http/admin-request';
import { AdminTenantFinder } from './tokens/admin-tenant.finder';
import { AdminTokenAuthenticator } from './tokens/admin-token.authenticator';
import type { AdminTokenRecord } from './tokens/admin-token.authenticator';

const BEARER = /^Bearer +([\x21-\x7e]{1,512}) *$/i;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Who calls (bearer token), how fast, and may they (role, tenant). Names the action in the event log before it refuses anything. */
@Injectable()
export class AdminGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly tokens: AdminTokenAuthenticator,
    private readonly tenants: AdminTenantFinder,
    private readonly limits: AdminRateLimiter,
  ) {}

  /**
   * @throws AdminProblem 401, 403, 404 for a tenant-admin of another tenant
   * @throws TenantThrottledException 429 for a token that asks too often, and after many unknown ones
   */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const message = context.switchToHttp().getRequest<Request>();
    const request = adminRequestOf(message);
    const action = this.reflector.get<AdminActionOptions | undefined>(ADMIN_ACTION, context.getHandler());
    if (action === undefined) throw AdminProblem.forbidden('The route declares no action');
    request.record.operation = `admin.${action.name}`;

    const token = await this.authenticate(message.headers.authorization, request.record.remoteAddress);
    const { tenant } = token;
    const actor = `token:${token.name}`;
    request.record.actor = actor;
    request.record.tenantId = tenant?.id;
    request.caller = { actor, tokenId: token.id, role: token.role, tenantId: tenant?.id };
    await this.limits.admit(actor);

    const named: unknown = message.params.tenant;
    const tenantParameter = typeof named === 'string' ? named : undefined;
    authorize(token, action, message.method, tenantParameter);
    if (tenant === undefined && tenantParameter !== undefined) {
      request.record.tenantId = await this.tenants.idOf(tenantParameter);
    }
    return true;
  }

  private async authenticate(
    authorization: string | undefined,
    address: string | undefined,
  ): Promise<AdminTokenRecord> {
    if (authorization === undefined) throw unauthorized('This needs a bearer token', 'Bearer realm="vaultaire"');
    const token = BEARER.exec(authorization)?.[1];
    if (token === undefined) throw invalidToken('The Authorization header must be: Bearer <token>');
    const known = this.tokens.findCached(token) ?? (await this.load(token, address));
    if (known === undefined) throw invalidToken('The token is not known, or was revoked');
    if (known.expiresAtMs !== undefined && known.expiresAtMs <= Date.now()) throw invalidToken('The token has expired');
    return known;
  }

  private async load(token: string, address: string | undefined): Promise<AdminTokenRecord | undefined> {
    await this.limits.attempt(address);
    const known = await this.tokens.load(token);
    if (known !== undefined) this.limits.forgive(address);
    return known;
  }
}

function authorize(
  { role, tenant }: AdminTokenRecord,
  action: AdminActionOptions,
  method: string,
  tenantParameter: string | undefined,
): void {
  if (role === 'operator') return;
  if (action.role === 'operator') throw AdminProblem.forbidden('Only operators may do this');
  if (role === 'viewer') {
    if (method === 'GET' || method === 'HEAD') return;
    throw AdminProblem.forbidden('A viewer may only read');
  }
  if (action.role === 'viewer' || tenant === undefined) {
    throw AdminProblem.forbidden('A tenant administrator may not do this');
  }
  if (!tenant.isActive) throw AdminProblem.forbidden('The tenant is not active');
  if (tenantParameter === undefined) {
    if (action.isConfinedByHandler === true) return;
    throw AdminProblem.forbidden('A tenant administrator may not do this');
  }
  // A name that looks like an id is one: a tenant named after the id of another leads nowhere.
  const isOwn = UUID.test(tenantParameter)
    ? tenantParameter.toLowerCase() === tenant.id
    : tenantParameter === tenant.name;
  if (!isOwn) throw AdminProblem.notFound(`tenant ${tenantParameter}`);
}

function unauthorized(detail: string, challenge: string): AdminProblem {
  return new AdminProblem({ status: 401, detail, headers: { 'WWW-Authenticate': challenge } });
}

/** RFC 6750, section 3. */
function invalidToken(detail: string): AdminProblem {
  return unauthorized(detail, 'Bearer realm="vaultaire", error="invalid_token"');
}
