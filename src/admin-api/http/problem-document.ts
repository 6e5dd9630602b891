import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';
import { DatabaseUnavailableError } from '../../database/database';
import { TenancyError } from '../../tenant/tenancy.error';
import { TenantThrottledException } from '../../tenant/throttling/tenant-throttled.exception';
import { AdminProblem } from '../admin-problem';

const UNIQUE_VIOLATION = '23505';
/** `character_not_in_repertoire` of a text, `untranslatable_character` of a JSON value: PostgreSQL has no place for NUL. */
const NUL_VIOLATIONS: ReadonlySet<unknown> = new Set(['22021', '22P05']);

/** The document of RFC 9457, section 3, with two members of ours: `requestId` and `errors`. */
export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  readonly instance: string;
  readonly requestId?: string;
  readonly errors?: readonly { readonly field: string; readonly message: string }[];
}

/** What a failure means to the caller. What nobody foresaw is a 500 that tells nothing of its inside. */
export function toAdminProblem(failure: unknown): AdminProblem {
  if (failure instanceof AdminProblem) return failure;
  if (failure instanceof DatabaseUnavailableError) {
    return new AdminProblem({
      status: 503,
      detail: 'PostgreSQL is unavailable: try again soon',
      headers: { 'Retry-After': '1' },
      cause: failure,
    });
  }
  if (failure instanceof TenancyError) return AdminProblem.conflict(failure.message);
  if (failure instanceof TenantThrottledException) {
    return new AdminProblem({
      status: 429,
      detail: 'There were too many requests: wait a little',
      headers: { 'Retry-After': String(failure.retryAfterSeconds) },
    });
  }
  if (failure instanceof HttpException) {
    return new AdminProblem({ status: failure.getStatus(), detail: failure.message, cause: failure });
  }
  if (failure instanceof URIError) return AdminProblem.badRequest('The path is not encoded well');
  if (failure instanceof Error && 'code' in failure && failure.code === UNIQUE_VIOLATION) {
    return new AdminProblem({ status: 409, detail: 'There is one of that name already', cause: failure });
  }
  if (failure instanceof Error && 'code' in failure && NUL_VIOLATIONS.has(failure.code)) {
    return AdminProblem.badRequest('No text may hold the character NUL');
  }
  return new AdminProblem({ status: 500, detail: 'Something went wrong that should not have', cause: failure });
}

export function problemDocument(
  problem: AdminProblem,
  instance: string,
  requestId: string | undefined,
): ProblemDocument {
  const { status, title, detail, errors } = problem;
  return {
    type: 'about:blank',
    title: title || (STATUS_CODES[status] ?? 'Error'),
    status,
    ...(detail === undefined ? {} : { detail }),
    instance,
    ...(requestId === undefined ? {} : { requestId }),
    ...(errors === undefined ? {} : { errors }),
  };
}
