import type { OpenAPIObject } from '@nestjs/swagger';

type Components = Required<
  Pick<NonNullable<OpenAPIObject['components']>, 'schemas' | 'responses' | 'parameters' | 'headers'>
>;

interface ProblemExample {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly description: string;
  readonly errors?: readonly { readonly field: string; readonly message: string }[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** Refusals and failures by the name of their component. */
const PROBLEMS = {
  BadRequest: {
    status: 400,
    title: 'Bad Request',
    description: 'Fields of the request are not valid, or the body is not JSON',
    detail: 'Some fields of the request are not valid',
    errors: [{ field: 'quota.bytes.hard', message: 'quota.bytes.hard must be an integer number' }],
  },
  Unauthorized: {
    status: 401,
    title: 'Unauthorized',
    description: 'No token, or one that is not known, revoked or expired',
    detail: 'The token is not known, or was revoked',
    headers: { 'WWW-Authenticate': 'Challenge of RFC 6750' },
  },
  Forbidden: {
    status: 403,
    title: 'Forbidden',
    description: 'The role of the token may not do this',
    detail: 'A viewer may only read',
  },
  NotFound: {
    status: 404,
    title: 'Not Found',
    description: 'There is no such thing, or it belongs to another tenant',
    detail: 'There is no tenant acme',
  },
  Conflict: {
    status: 409,
    title: 'Conflict',
    description: 'The state of things does not allow it, or the first request with the Idempotency-Key has not ended',
    detail: 'There is one of that name already',
  },
  PreconditionFailed: {
    status: 412,
    title: 'Precondition Failed',
    description: 'If-Match does not name the current revision',
    detail: 'It was changed meanwhile: read it again and repeat the change with its new ETag',
  },
  ContentTooLarge: {
    status: 413,
    title: 'Payload Too Large',
    description: 'The body exceeds 1 MiB',
    detail: 'The body must not exceed 1048576 bytes',
  },
  UnsupportedMediaType: {
    status: 415,
    title: 'Unsupported Media Type',
    description: 'The body is not JSON',
    detail: 'The body must be JSON, with Content-Type: application/json',
  },
  UnprocessableContent: {
    status: 422,
    title: 'Unprocessable Entity',
    description: 'The Idempotency-Key was used for another request',
    detail: 'This Idempotency-Key was used for another request',
  },
  PreconditionRequired: {
    status: 428,
    title: 'Precondition Required',
    description: 'If-Match is missing',
    detail: 'Name the ETag of what you want to change in the If-Match header',
  },
  TooManyRequests: {
    status: 429,
    title: 'Too Many Requests',
    description: 'Too many requests with the token, or too many unknown tokens from the address of the client',
    detail: 'There were too many requests: wait a little',
    headers: { 'Retry-After': 'Seconds to wait' },
  },
  InternalServerError: {
    status: 500,
    title: 'Internal Server Error',
    description: 'A fault of the server; the request id leads to its log',
    detail: 'Something went wrong that should not have',
  },
  ServiceUnavailable: {
    status: 503,
    title: 'Service Unavailable',
    description: 'PostgreSQL is unavailable',
    detail: 'PostgreSQL is unavailable: try again soon',
    headers: { 'Retry-After': 'Seconds to wait' },
  },
} as const satisfies Record<string, ProblemExample>;

export type ProblemName = keyof typeof PROBLEMS;

/** Status under which an operation lists the problem. */
export function statusOf(name: ProblemName): string {
  return String(PROBLEMS[name].status);
}

const REQUEST_ID = '20422F0DF93AA588';

function problemResponse({
  description,
  headers = {},
  ...problem
}: ProblemExample): NonNullable<Components['responses']>[string] {
  const { status, title, detail, errors } = problem;
  return {
    description,
    headers: {
      'X-Request-Id': { $ref: '#/components/headers/RequestId' },
      ...Object.fromEntries(
        Object.entries(headers).map(([name, text]) => [name, { description: text, schema: { type: 'string' } }]),
      ),
    },
    content: {
      'application/problem+json': {
        schema: { $ref: '#/components/schemas/Problem' },
        example: {
          type: 'about:blank',
          title,
          status,
          detail,
          instance: '/api/v1/tenants/acme',
          requestId: REQUEST_ID,
          ...(errors === undefined ? {} : { errors }),
        },
      },
    },
  };
}

/** What the operations of the document refer to. */
export const SHARED_COMPONENTS: Components = {
  schemas: {
    Problem: {
      type: 'object',
      description: 'A problem document (RFC 9457)',
      required: ['type', 'title', 'status', 'instance'],
      properties: {
        type: { type: 'string', format: 'uri-reference', example: 'about:blank' },
        title: { type: 'string', description: 'What the status means', example: 'Not Found' },
        status: { type: 'integer', example: 404 },
        detail: { type: 'string', description: 'What is wrong this time', example: 'There is no tenant acme' },
        instance: { type: 'string', description: 'Path of the request', example: '/api/v1/tenants/acme' },
        requestId: {
          type: 'string',
          description: 'Leads to the event log and the log of the server',
          example: REQUEST_ID,
        },
        errors: {
          type: 'array',
          description: 'Every bad field',
          items: {
            type: 'object',
            required: ['field', 'message'],
            properties: { field: { type: 'string' }, message: { type: 'string' } },
          },
        },
      },
    },
  },
  responses: Object.fromEntries(Object.entries(PROBLEMS).map(([name, problem]) => [name, problemResponse(problem)])),
  parameters: {
    IdempotencyKey: {
      name: 'Idempotency-Key',
      in: 'header',
      description: 'The request is carried out once for a key; repetitions within 24 hours get the same answer',
      schema: { type: 'string', minLength: 1, maxLength: 255 },
    },
  },
  headers: {
    RequestId: {
      description: 'Id of the request, also in the event log',
      schema: { type: 'string', example: REQUEST_ID },
    },
    ETag: { description: 'The revision, for `If-Match`', schema: { type: 'string', example: '"1"' } },
    IdempotencyReplayed: {
      description: '`true`: the answer of an earlier request with this Idempotency-Key',
      schema: { type: 'string', enum: ['true'] },
    },
  },
};
