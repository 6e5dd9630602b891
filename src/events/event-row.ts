import type { RequestRecord } from '../context/request-record';
import { eventId } from './event-id';

const MAX_USER_AGENT_CHARS = 256;
const MAX_RANGE_CHARS = 128;
/** Longer than any key that S3 accepts, in characters: a refused request may name anything. */
const MAX_NAME_CHARS = 1_024;

/** One row of the event log. Plain values: a row keeps nothing of the request alive while it waits. */
export interface EventRow {
  readonly id: string;
  readonly timeMs: number;
  readonly requestId: string;
  readonly tenantId: string | undefined;
  readonly userId: string | undefined;
  readonly accessKeyId: string | undefined;
  readonly operation: string;
  readonly container: string | undefined;
  readonly artifactKey: string | undefined;
  readonly versionId: string | undefined;
  readonly outcome: string;
  readonly status: number;
  readonly errorCode: string | undefined;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly latencyMs: number;
  readonly firstByteMs: number | undefined;
  readonly driver: string | undefined;
  readonly driverLatencyMs: number | undefined;
  readonly placement: string | undefined;
  readonly range: string | undefined;
  readonly remoteAddress: string | undefined;
  readonly userAgent: string | undefined;
}

/** What the event log keeps of a settled request. What the client chose freely is cut to a bound. */
export function eventRow(record: RequestRecord): EventRow {
  return {
    id: eventId(record.startedAtMs),
    timeMs: record.startedAtMs,
    requestId: record.requestId,
    tenantId: record.tenantId,
    userId: record.userId,
    accessKeyId: text(record.accessKeyId, MAX_NAME_CHARS),
    operation: record.operation,
    container: text(record.container, MAX_NAME_CHARS),
    artifactKey: text(record.artifactKey, MAX_NAME_CHARS),
    versionId: text(record.versionId, MAX_NAME_CHARS),
    outcome: record.outcome,
    status: record.status,
    errorCode: record.errorCode,
    bytesIn: record.bytesIn,
    bytesOut: record.bytesOut,
    latencyMs: record.latencyMs,
    firstByteMs:
      record.firstByteAtNs === undefined ? undefined : Number(record.firstByteAtNs - record.startedAtNs) / 1e6,
    driver: record.driver,
    driverLatencyMs: record.driverLatencyMs,
    placement: record.placement,
    range: text(record.range, MAX_RANGE_CHARS),
    remoteAddress: record.remoteAddress,
    userAgent: text(record.userAgent, MAX_USER_AGENT_CHARS),
  };
}

/** PostgreSQL's text holds no NUL; the replacement character stands in its place. */
function text(value: string | undefined, maxChars: number): string | undefined {
  if (value === undefined) return undefined;
  const cut = value.length > maxChars ? value.slice(0, maxChars) : value;
  return cut.includes('\0') ? cut.replaceAll('\0', '\ufffd') : cut;
}
