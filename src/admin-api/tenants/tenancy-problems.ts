import { TenancyError } from '../../tenant/tenancy.error';
import type { TenancyFailure } from '../../tenant/tenancy.error';
import { AdminProblem } from '../admin-problem';

const STATUS: Readonly<Record<TenancyFailure, number>> = { invalid: 400, missing: 404, conflict: 409, changed: 412 };

/** Runs `work`; its `TenancyError`s become problems. */
export async function tenancyProblems<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof TenancyError)) throw error;
    if (error.field !== undefined) throw AdminProblem.badFields([{ field: error.field, message: error.message }]);
    throw new AdminProblem({ status: STATUS[error.failure], detail: error.message, cause: error });
  }
}
