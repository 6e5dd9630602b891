import { createParamDecorator } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { adminRequestOf } from './http/admin-request';

/** Roles of tokens. Operator: everything. Viewer: reads everything. Tenant-admin: its own tenant only. */
export const ADMIN_ROLES = ['operator', 'viewer', 'tenant-admin'] as const;
export type AdminRole = (typeof ADMIN_ROLES)[number];

/** Who calls the admin API. */
export interface AdminCaller {
  /** `token:<name>`: what the event log and `created_by` columns keep. */
  readonly actor: string;
  /** Id of the token. */
  readonly tokenId: string;
  readonly role: AdminRole;
  /** The tenant of a tenant-admin; undefined for the others, who act on all tenants. */
  readonly tenantId: string | undefined;
}

/** Injects the {@link AdminCaller} into a handler of an admin controller. */
export const AdminCaller = createParamDecorator((_data: unknown, context: ExecutionContext): AdminCaller => {
  const { caller } = adminRequestOf(context.switchToHttp().getRequest<IncomingMessage>());
  if (caller === undefined) throw new Error('the route has no admin guard');
  return caller;
});
