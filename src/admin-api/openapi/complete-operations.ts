import type { OpenAPIObject } from '@nestjs/swagger';
import { statusOf } from './shared-components';
import type { ProblemName } from './shared-components';

type PathItem = OpenAPIObject['paths'][string];
type Operation = NonNullable<PathItem['get']>;
type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

const METHODS: readonly Method[] = ['get', 'post', 'put', 'patch', 'delete'];
const EVERYWHERE: readonly ProblemName[] = [
  'Unauthorized',
  'Forbidden',
  'TooManyRequests',
  'InternalServerError',
  'ServiceUnavailable',
];
const ROLE_NOTES: Readonly<Record<string, string>> = {
  operator: 'Needs the role operator.',
  viewer: 'Needs the role operator or viewer.',
  'tenant-admin': 'Needs the role operator, viewer (to read), or tenant-admin of the tenant.',
};

/**
 * Adds to every operation what all have in common: the problems that it may answer, the headers of its answers, the
 * `Idempotency-Key` of a POST, and who may. What a controller says itself stays.
 */
export function completeOperations(document: OpenAPIObject): void {
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of METHODS) {
      const operation = item[method];
      if (operation !== undefined) complete(operation, method, path, document);
    }
  }
}

function complete(operation: Operation, method: Method, path: string, document: OpenAPIObject): void {
  const role: unknown = Reflect.get(operation, 'x-required-role');
  const roleNote = typeof role === 'string' ? ROLE_NOTES[role] : undefined;
  operation.description = [operation.description, roleNote]
    .filter((text) => text !== undefined && text !== '')
    .join('\n\n');
  addAnswerHeaders(operation, method, document);
  if (method === 'post') {
    operation.parameters = [...(operation.parameters ?? []), { $ref: '#/components/parameters/IdempotencyKey' }];
  }
  for (const name of problemsOf(operation, method, path)) {
    operation.responses[statusOf(name)] ??= { $ref: `#/components/responses/${name}` };
  }
}

function problemsOf(operation: Operation, method: Method, path: string): ProblemName[] {
  const names = [...EVERYWHERE];
  const hasBody = operation.requestBody !== undefined;
  const isConditional = (operation.parameters ?? []).some(
    (parameter) => 'name' in parameter && parameter.name === 'If-Match',
  );
  const hasQuery = (operation.parameters ?? []).some((parameter) => 'in' in parameter && parameter.in === 'query');
  if (hasBody || hasQuery || method === 'post') names.push('BadRequest');
  if (path.includes('{')) names.push('NotFound');
  if (method !== 'get') names.push('Conflict');
  if (hasBody) names.push('ContentTooLarge', 'UnsupportedMediaType');
  if (method === 'post') names.push('UnprocessableContent');
  if (isConditional) names.push('PreconditionFailed', 'PreconditionRequired');
  return names;
}

function addAnswerHeaders(operation: Operation, method: Method, document: OpenAPIObject): void {
  for (const [status, response] of Object.entries(operation.responses)) {
    if (!status.startsWith('2') || response === undefined || '$ref' in response) continue;
    response.headers = {
      'X-Request-Id': { $ref: '#/components/headers/RequestId' },
      ...(method === 'post' ? { 'Idempotency-Replayed': { $ref: '#/components/headers/IdempotencyReplayed' } } : {}),
      ...(isRevised(response.content?.['application/json']?.schema, document)
        ? { ETag: { $ref: '#/components/headers/ETag' } }
        : {}),
      ...response.headers,
    };
  }
}

/** The answer has a `revision`, which goes into its ETag. */
function isRevised(schema: unknown, document: OpenAPIObject): boolean {
  if (typeof schema !== 'object' || schema === null || !('$ref' in schema)) return false;
  const name = String(schema.$ref).split('/').at(-1) ?? '';
  const target = document.components?.schemas?.[name];
  return target !== undefined && 'properties' in target && target.properties.revision !== undefined;
}
