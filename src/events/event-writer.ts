import type { Queryable } from '../database/database';
import type { EventRow } from './event-row';

interface Column {
  readonly name: string;
  readonly type: string;
  /** How the array's element becomes the column, where a cast does not do. */
  readonly expression?: string;
  readonly value: (row: EventRow) => string | number | undefined;
}

const COLUMNS: readonly Column[] = [
  { name: 'id', type: 'uuid', value: (row) => row.id },
  { name: 'time', type: 'bigint', expression: 'to_timestamp(r.time / 1000.0)', value: (row) => row.timeMs },
  { name: 'request_id', type: 'text', value: (row) => row.requestId },
  { name: 'tenant_id', type: 'uuid', value: (row) => row.tenantId },
  { name: 'user_id', type: 'uuid', value: (row) => row.userId },
  { name: 'access_key_id', type: 'text', value: (row) => row.accessKeyId },
  { name: 'operation', type: 'text', value: (row) => row.operation },
  { name: 'container', type: 'text', value: (row) => row.container },
  { name: 'artifact_key', type: 'text', value: (row) => row.artifactKey },
  { name: 'version_id', type: 'text', value: (row) => row.versionId },
  { name: 'outcome', type: 'text', value: (row) => row.outcome },
  { name: 'status', type: 'smallint', value: (row) => row.status },
  { name: 'error_code', type: 'text', value: (row) => row.errorCode },
  { name: 'bytes_in', type: 'bigint', value: (row) => row.bytesIn },
  { name: 'bytes_out', type: 'bigint', value: (row) => row.bytesOut },
  { name: 'latency_ms', type: 'real', value: (row) => row.latencyMs },
  { name: 'first_byte_ms', type: 'real', value: (row) => row.firstByteMs },
  { name: 'driver', type: 'text', value: (row) => row.driver },
  { name: 'driver_latency_ms', type: 'real', value: (row) => row.driverLatencyMs },
  { name: 'placement', type: 'text', value: (row) => row.placement },
  { name: 'range', type: 'text', value: (row) => row.range },
  { name: 'remote_address', type: 'text', value: (row) => row.remoteAddress },
  { name: 'user_agent', type: 'text', value: (row) => row.userAgent },
];

const names = COLUMNS.map(({ name }) => name).join(', ');

const INSERT = {
  name: 'events-insert',
  text: `INSERT INTO events (${names})
    SELECT ${COLUMNS.map(({ name, expression }) => expression ?? `r.${name}`).join(', ')}
    FROM unnest(${COLUMNS.map(({ type }, index) => `$${String(index + 1)}::${type}[]`).join(', ')}) AS r (${names})
    ON CONFLICT DO NOTHING`,
};

/**
 * Writes rows in one statement and one round trip. Rows that are there already are left alone, so that a batch whose answer
 * got lost can be sent again.
 */
export async function insertEvents(database: Queryable, rows: readonly EventRow[]): Promise<void> {
  await database.query(
    INSERT,
    COLUMNS.map(({ value }) => arrayLiteral(rows, value)),
  );
}

/**
 * PostgreSQL's text form of an array (manual, section 8.15.6). Written here since node-postgres escapes each element with
 * two regular expressions: for the batches of a busy gateway that took several times longer.
 */
function arrayLiteral(rows: readonly EventRow[], value: Column['value']): string {
  let literal = '';
  let separator = '{';
  for (const row of rows) {
    literal += separator + element(value(row));
    separator = ',';
  }
  return `${literal}}`;
}

function element(value: string | number | undefined): string {
  if (value === undefined) return 'NULL';
  if (typeof value === 'number') return String(value);
  return value.includes('"') || value.includes('\\') ? `"${value.replace(/["\\]/g, '\\$&')}"` : `"${value}"`;
}
