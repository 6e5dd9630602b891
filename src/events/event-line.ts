import { eventId } from '../context/event-id';
import type { AccessLogEntry, RequestRecord } from '../context/request-record';

/** The columns of a line, in its order. A line of an older version names those that it had (spool/spool-segment.ts). */
export const EVENT_COLUMNS =
  'id, time, request_id, tenant_id, user_id, access_key_id, operation, container, artifact_key, version_id, outcome, ' +
  'status, error_code, bytes_in, bytes_out, latency_ms, first_byte_ms, driver, driver_latency_ms, placement, range, ' +
  'remote_address, user_agent, actor, logged_container_id, access_log_line';

const NULL = '\\N';
const NO_ACCESS_LOG = `${NULL}\t${NULL}`;
const MAX_USER_AGENT_CHARS = 256;
const MAX_RANGE_CHARS = 128;
/** Longer than any key that S3 accepts, in characters: a refused request may name anything. */
const MAX_NAME_CHARS = 1_024;
/** What has a meaning in the text format of COPY, and NUL, which PostgreSQL's text does not hold. */
const SPECIAL = /[\\\n\r\t\0]/;
const MILLISECONDS = Array.from({ length: 1_000 }, (_, millisecond) => `${String(millisecond).padStart(3, '0')}Z`);

/**
 * What the event log keeps of a settled request, as a line of PostgreSQL's text format for COPY (manual, "COPY", section File
 * Formats). Made once, when the request settles, since everything that a row passes through afterwards takes lines: the
 * batch, the spool and PostgreSQL. What the client chose freely is cut to a bound.
 */
export function eventLine(record: RequestRecord): string {
  const { startedAtMs, startedClockMs, firstByteClockMs } = record;
  const firstByteMs = firstByteClockMs === undefined ? undefined : firstByteClockMs - startedClockMs;
  return (
    `${eventId(startedAtMs, record.requestId)}\t${timeText(startedAtMs)}\t${record.requestId}\t${record.tenantId ?? NULL}\t` +
    `${record.userId ?? NULL}\t${text(record.accessKeyId, MAX_NAME_CHARS)}\t${record.operation}\t` +
    `${text(record.container, MAX_NAME_CHARS)}\t${text(record.artifactKey, MAX_NAME_CHARS)}\t` +
    `${text(record.versionId, MAX_NAME_CHARS)}\t${record.outcome}\t${record.status}\t${record.errorCode ?? NULL}\t` +
    `${record.bytesIn}\t${record.bytesOut}\t${milliseconds(record.latencyMs)}\t${milliseconds(firstByteMs)}\t` +
    `${record.driver ?? NULL}\t${milliseconds(record.driverLatencyMs)}\t${record.placement ?? NULL}\t` +
    `${text(record.range, MAX_RANGE_CHARS)}\t${addressText(record.remoteAddress)}\t` +
    `${userAgentText(record.userAgent)}\t${text(record.actor, MAX_NAME_CHARS)}\t${accessLogText(record.accessLog)}\n`
  );
}

let lastSecond = -1;
let secondText = '';

/** Requests of the same second share the longer part. */
function timeText(timeMs: number): string {
  const second = Math.floor(timeMs / 1_000);
  if (second !== lastSecond) {
    secondText = new Date(second * 1_000).toISOString().slice(0, -4);
    lastSecond = second;
  }
  return secondText + (MILLISECONDS[timeMs - second * 1_000] ?? '000Z');
}

/** In microseconds with an exponent: writing a fraction out takes several times as long. */
function milliseconds(value: number | undefined): string {
  return value === undefined ? NULL : `${Math.round(value * 1_000)}e-3`;
}

/** The line is as long as the headers of a request may be. */
function accessLogText(entry: AccessLogEntry | undefined): string {
  return entry === undefined ? NO_ACCESS_LOG : `${entry.containerId}\t${text(entry.line, entry.line.length)}`;
}

let lastAddress: string | undefined;
let lastAddressText = NULL;
let lastUserAgent: string | undefined;
let lastUserAgentText = NULL;

/** A client sends many requests: what its last one brought is at hand. */
function addressText(address: string | undefined): string {
  if (address === lastAddress) return lastAddressText;
  lastAddress = address;
  lastAddressText = text(address, MAX_NAME_CHARS);
  return lastAddressText;
}

function userAgentText(userAgent: string | undefined): string {
  if (userAgent === lastUserAgent) return lastUserAgentText;
  lastUserAgent = userAgent;
  lastUserAgentText = text(userAgent, MAX_USER_AGENT_CHARS);
  return lastUserAgentText;
}

/** A value that a client may have chosen. */
function text(value: string | undefined, maxChars: number): string {
  if (value === undefined) return NULL;
  const cut = value.length > maxChars ? value.slice(0, maxChars) : value;
  return SPECIAL.test(cut) ? cut.replace(/[\\\n\r\t\0]/g, escaped) : cut;
}

function escaped(character: string): string {
  switch (character) {
    case '\n':
      return '\\n';
    case '\r':
      return '\\r';
    case '\t':
      return '\\t';
    case '\0':
      return '\ufffd';
    default:
      return '\\\\';
  }
}
