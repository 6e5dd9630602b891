import { valueAt } from '../output/table';

/** The admin API refused, or failed. `message` is for people: what was wrong, with one line for each bad field. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';

  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }

  /** 401: no valid token; 403: one that may not do this. */
  get isUnauthorised(): boolean {
    return this.status === 401 || this.status === 403;
  }
}

/** No answer: nobody listens there, the name is unknown, the connection broke, or it took too long. */
export class ServerUnreachable extends Error {
  override readonly name = 'ServerUnreachable';
}

/** Reads a problem of RFC 9457, or what stands in its place, for example the page of a proxy. */
export function problemOf(status: number, body: unknown, requestId: string | null): ApiProblem {
  const detail = textAt(body, 'detail') ?? textAt(body, 'title') ?? `The server answered with status ${String(status)}`;
  const errors = valueAt(body, 'errors');
  const fields = Array.isArray(errors) ? errors.map(fieldLine) : [];
  const trace = status >= 500 && requestId !== null ? [`  request id: ${requestId}`] : [];
  return new ApiProblem(status, [detail, ...fields, ...trace].join('\n'));
}

function fieldLine(error: unknown): string {
  const message = textAt(error, 'message') ?? 'is not valid';
  const field = textAt(error, 'field');
  return field === undefined || message.startsWith(field) ? `  ${message}` : `  ${field}: ${message}`;
}

function textAt(value: unknown, name: string): string | undefined {
  const text = valueAt(value, name);
  return typeof text === 'string' && text !== '' ? text : undefined;
}
