import { applyDecorators, SetMetadata } from '@nestjs/common';
import { ApiExtension, ApiOperation } from '@nestjs/swagger';
import type { AdminRole } from './admin-caller.decorator';

export interface AdminActionOptions {
  /** Upper camel case, unique: the operation `admin.<name>` of the event log and `operationId` of the OpenAPI document. */
  readonly name: string;
  /**
   * Who may. `operator`: operators alone; `viewer`: operators and viewers; `tenant-admin`: operators, viewers for GET, and
   * a tenant-admin of the tenant that the path names as `:tenant` (others find nothing: 404).
   */
  readonly role: AdminRole;
  /** One line for the documentation; or use `@ApiOperation` below this decorator. */
  readonly summary?: string;
  /** Markdown. */
  readonly description?: string;
  /**
   * A route for tenant-admins without `:tenant` in its path: the handler itself confines them by `AdminCaller.tenantId`.
   * Without this, such a route refuses them.
   */
  readonly isConfinedByHandler?: boolean;
}

/** Key of the metadata: {@link AdminActionOptions}. */
export const ADMIN_ACTION = Symbol('ADMIN_ACTION');

/** Names of actions by handler, for the ids of operations in the OpenAPI document. */
const names = new Map<string, string>();

/** `operationId` of a handler of an admin controller. */
export function actionNameOf(controller: string, method: string): string {
  return names.get(`${controller}.${method}`) ?? `${controller}_${method}`;
}

/** Declares a route of an admin controller: what it is called, and who may. A route without it is refused to all. */
export function AdminAction(options: AdminActionOptions): MethodDecorator {
  const { name, role, summary, description } = options;
  return applyDecorators(
    (target: object, key: string | symbol) => {
      names.set(`${target.constructor.name}.${String(key)}`, name);
    },
    SetMetadata(ADMIN_ACTION, options),
    ApiExtension('x-required-role', role),
    ...(summary === undefined
      ? []
      : [ApiOperation({ summary, ...(description === undefined ? {} : { description }) })]),
  );
}
