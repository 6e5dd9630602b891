import { applyDecorators, Controller, UseGuards, UseInterceptors, UsePipes } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import { AdminGuard } from './admin.guard';
import { ADMIN_API_PREFIX } from './admin-api.constants';
import { AdminInterceptor } from './admin.interceptor';
import { adminValidationPipe } from './admin-validation.pipe';

/** Name of the bearer token in the OpenAPI document. */
export const ADMIN_SECURITY = 'token';

/**
 * A controller of the admin API under `/api/v1/<path>`: who and may they (guard); then request body, `Idempotency-Key` and
 * ETags (interceptor); then validation of DTOs (pipe, whitelisting). Handlers return values and throw `AdminProblem`.
 *
 * A returned object with a `revision` is answered with that as its `ETag`.
 *
 * @param tag heading in the documentation; default: the last fixed part of the path
 */
export function AdminController(path: string, tag: string = tagOf(path)): ClassDecorator {
  return applyDecorators(
    Controller(`${ADMIN_API_PREFIX}/${path}`),
    UseGuards(AdminGuard),
    UseInterceptors(AdminInterceptor),
    UsePipes(adminValidationPipe),
    ApiTags(tag),
    ApiBearerAuth(ADMIN_SECURITY),
  );
}

/** `Users` of `tenants/:tenant/users`. */
function tagOf(path: string): string {
  const name =
    path
      .split('/')
      .filter((part) => part !== '' && !part.startsWith(':'))
      .at(-1) ?? 'Other';
  return name.charAt(0).toUpperCase() + name.slice(1);
}
