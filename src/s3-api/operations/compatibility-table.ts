import { S3_CONTROLLERS } from '../controllers/s3-controllers';
import { STS_ACTIONS, STS_VERSION } from '../sts/sts-operation';
import { OPERATION_CATALOGUE } from './operation-catalogue';
import { collectHandlers } from './operation-handlers';
import type { OperationDefinition, S3Resource } from './operation.types';

const HEADINGS: readonly (readonly [S3Resource, string])[] = [
  ['object', 'Objects'],
  ['bucket', 'Buckets'],
  ['service', 'Service'],
];

/** Answered before anybody's handler. */
const ANSWERED_BY_DISPATCHER: ReadonlySet<string> = new Set(['PreflightBucket', 'PreflightObject']);

const BESIDES_OPERATIONS: readonly string[] = [
  '## Security Token Service',
  '',
  ...alignedTable([
    ['Action', 'Request', 'State'],
    ...STS_ACTIONS.map((action) => [action, `\`POST /\` with \`Action=${action}&Version=${STS_VERSION}\``, 'served']),
  ]),
  '',
  'A form, signed for the service `sts` in any region. Session tokens are taken in `x-amz-security-token` and, in presigned',
  'URLs, in `X-Amz-Security-Token`. Details and differences: [operations.md](operations.md#temporary-credentials).',
  '',
  '## Addresses',
  '',
  'Buckets are addressed in the path, or by host name below `VAULTAIRE_S3_DOMAIN`. A bucket of a tenant is `tenant:bucket`, in the',
  'path and in `x-amz-copy-source`, with the colon percent-encoded or not; see [operations.md](operations.md#buckets-of-other-tenants).',
  '',
];

/** The text of `docs/s3-compatibility.md`, made from the catalogue and the handlers of this build. */
export function renderCompatibilityDocument(): string {
  const handled = collectHandlers(S3_CONTROLLERS);
  const sections = HEADINGS.flatMap(([resource, heading]) => [
    `## ${heading}`,
    '',
    ...tableOf(
      OPERATION_CATALOGUE.filter((operation) => operation.resource === resource),
      (operation) => stateOf(operation, handled),
    ),
    '',
  ]);
  return [
    '# S3 compatibility',
    '',
    '<!-- Written by `npm run docs:compatibility`; edit the operation catalogue instead. -->',
    '',
    `${handled.size} of the ${OPERATION_CATALOGUE.length} operations of the S3 API are served. Every other one is known by its`,
    'method, sub-resource and headers and answers `501 NotImplemented` in S3 XML to callers whose signature is good; none',
    'falls through to another operation. Two sub-resources in one request are refused with `InvalidArgument`; query',
    'parameters that are no sub-resource are ignored.',
    '',
    ...sections,
    ...BESIDES_OPERATIONS,
  ]
    .join('\n')
    .replace(/\n+$/, '\n');
}

function tableOf(
  operations: readonly OperationDefinition[],
  state: (operation: OperationDefinition) => string,
): readonly string[] {
  const rows = [...operations]
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .map((operation) => [operation.name, `\`${requestOf(operation)}\``, `\`${operation.action}\``, state(operation)]);
  return alignedTable([['Operation', 'Request', 'Action', 'State'], ...rows]);
}

function stateOf({ name }: OperationDefinition, handled: ReadonlyMap<string, string>): string {
  if (handled.has(name)) return 'served';
  return ANSWERED_BY_DISPATCHER.has(name) ? '403, as without CORS rules' : '501';
}

function requestOf(operation: OperationDefinition): string {
  const path = { service: '/', bucket: '/{bucket}', object: '/{bucket}/{key}' }[operation.resource];
  const query = Object.entries(operation.query)
    .map(([key, value]) => (value === undefined ? key : `${key}=${value}`))
    .join('&');
  const headers = operation.headers.map((header) => ` + ${header}`).join('');
  return `${operation.method} ${path}${query === '' ? '' : `?${query}`}${headers}`;
}

/** Columns as wide as their widest cell, as the formatter of the project wants them. */
function alignedTable(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_cell, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = rows;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)];
}
