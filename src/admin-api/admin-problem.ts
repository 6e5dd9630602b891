import { STATUS_CODES } from 'node:http';

/** What is wrong with one field of a request. */
export interface FieldError {
  /** Path of the field in the body or the query: `quota.bytes.hard`. */
  readonly field: string;
  readonly message: string;
}

export interface AdminProblemOptions {
  readonly status: number;
  /** Default: the reason phrase of the status. */
  readonly title?: string;
  /** What is wrong this time, for the reader of the answer. Never a secret. */
  readonly detail?: string;
  readonly errors?: readonly FieldError[];
  /** Further headers of the answer. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** A refusal of the admin API; answered as a problem document (RFC 9457). Thrown by guards, pipes and handlers alike. */
export class AdminProblem extends Error {
  override readonly name = 'AdminProblem';
  readonly status: number;
  readonly title: string;
  readonly detail: string | undefined;
  readonly errors: readonly FieldError[] | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor({ status, title, detail, errors, headers = {}, cause }: AdminProblemOptions) {
    const heading = title ?? STATUS_CODES[status] ?? 'Error';
    super(detail ?? heading, { cause });
    this.status = status;
    this.title = heading;
    this.detail = detail;
    this.errors = errors;
    this.headers = headers;
  }

  /** 400 with the fields that are wrong. */
  static badFields(errors: readonly FieldError[]): AdminProblem {
    return new AdminProblem({ status: 400, detail: 'Some fields of the request are not valid', errors });
  }

  /** 400 without a field to blame. */
  static badRequest(detail: string): AdminProblem {
    return new AdminProblem({ status: 400, detail });
  }

  static forbidden(detail: string): AdminProblem {
    return new AdminProblem({ status: 403, detail });
  }

  /** @param what as in `tenant acme`: `There is no tenant acme` */
  static notFound(what: string): AdminProblem {
    return new AdminProblem({ status: 404, detail: `There is no ${what}` });
  }

  static conflict(detail: string): AdminProblem {
    return new AdminProblem({ status: 409, detail });
  }

  /** 412: what `If-Match` names is not the current revision. */
  static preconditionFailed(): AdminProblem {
    return new AdminProblem({
      status: 412,
      detail: 'It was changed meanwhile: read it again and repeat the change with its new ETag',
    });
  }
}

/** {@link AdminProblem.notFound} */
export const notFound = (what: string): AdminProblem => AdminProblem.notFound(what);

/** {@link AdminProblem.conflict} */
export const conflict = (detail: string): AdminProblem => AdminProblem.conflict(detail);

/** {@link AdminProblem.preconditionFailed} */
export const preconditionFailed = (): AdminProblem => AdminProblem.preconditionFailed();
