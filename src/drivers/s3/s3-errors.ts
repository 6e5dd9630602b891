import { DriverError } from '../driver.errors';
import type { DriverErrorKind } from '../driver.errors';
import { parseXml } from './s3-xml';

/** What a backend answered other than success. */
export interface S3Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Empty for HEAD. */
  readonly body: Buffer;
}

/**
 * S3 error codes (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html) whose kind does not follow from the
 * status. A missing bucket is a fault of the installation and no missing blob; so are refused credentials and wrong regions,
 * which by themselves do not get better in a moment.
 */
const KINDS_BY_CODE: Readonly<Record<string, DriverErrorKind>> = {
  NoSuchKey: 'NotFound',
  NoSuchBucket: 'Unavailable',
  NoSuchUpload: 'Aborted',
  AuthorizationHeaderMalformed: 'Unavailable',
  ExpiredToken: 'Unavailable',
  InvalidToken: 'Unavailable',
  InvalidRange: 'RangeNotSatisfiable',
  PreconditionFailed: 'AlreadyExists',
  ConditionalRequestConflict: 'AlreadyExists',
  InvalidObjectState: 'Archived',
  EntityTooLarge: 'TooLarge',
  QuotaExceeded: 'NoSpace',
  QuotaExceededException: 'NoSpace',
  InsufficientStorage: 'NoSpace',
  XMinioStorageFull: 'NoSpace',
  SlowDown: 'RateLimited',
  TooManyRequests: 'RateLimited',
  Throttling: 'RateLimited',
  ThrottlingException: 'RateLimited',
  RequestLimitExceeded: 'RateLimited',
  BadDigest: 'Unavailable',
  XAmzContentChecksumMismatch: 'Unavailable',
  XAmzContentSHA256Mismatch: 'Unavailable',
  IncompleteBody: 'Unavailable',
  RequestTimeout: 'Unavailable',
  OperationAborted: 'Unavailable',
  InternalError: 'Unavailable',
  ServiceUnavailable: 'Unavailable',
  NotImplemented: 'Unsupported',
};

const RETRYABLE_CODES: ReadonlySet<string> = new Set([
  'BadDigest',
  'XAmzContentChecksumMismatch',
  'IncompleteBody',
  'RequestTimeout',
  'OperationAborted',
  'InternalError',
  'ServiceUnavailable',
]);

/**
 * The one translation of what goes wrong with S3: an answer that is no success, or the error of a connection. A
 * {@link DriverError} passes unchanged. The backend's message goes into `cause` only.
 */
export function s3Error(failure: unknown): DriverError {
  if (failure instanceof DriverError) return failure;
  if (isRefusal(failure)) return refusalError(failure);
  return new DriverError('Unavailable', `the connection to the backend failed: ${networkCodeOf(failure)}`, {
    cause: failure,
  });
}

function refusalError(refusal: S3Refusal): DriverError {
  const { code, message } = describe(refusal.body);
  const kind = (code === undefined ? undefined : KINDS_BY_CODE[code]) ?? kindOfStatus(refusal.status);
  const isTransient = code !== undefined && RETRYABLE_CODES.has(code);
  const isRetryable =
    kind === 'RateLimited' ||
    (kind === 'Unavailable' && (isTransient || refusal.status >= 500 || refusal.status === 408));
  const retryAfterSeconds = retryAfterOf(refusal);
  const takesRetryAfter = retryAfterSeconds !== undefined && (kind === 'RateLimited' || kind === 'Unavailable');
  return new DriverError(
    kind,
    `the backend answered ${String(refusal.status)}${code === undefined ? '' : ` ${code}`}`,
    {
      cause: message,
      isRetryable,
      ...(takesRetryAfter && { retryAfterSeconds }),
    },
  );
}

function kindOfStatus(status: number): DriverErrorKind {
  switch (status) {
    case 404:
      return 'NotFound';
    case 409:
    case 412:
      return 'AlreadyExists';
    case 413:
      return 'TooLarge';
    case 416:
      return 'RangeNotSatisfiable';
    case 429:
      return 'RateLimited';
    case 501:
      return 'Unsupported';
    case 507:
      return 'NoSpace';
    // Credentials, region, account, clock: not the client's fault, and another driver may do.
    case 301:
    case 307:
    case 401:
    case 403:
    case 408:
      return 'Unavailable';
    default:
      return status >= 500 ? 'Unavailable' : 'Unexpected';
  }
}

/** Code and message of an error document; HEAD answers and proxies have none. */
function describe(body: Buffer): { readonly code: string | undefined; readonly message: string | undefined } {
  if (body.length === 0) return { code: undefined, message: undefined };
  const text = body.toString();
  try {
    const root = parseXml(text);
    return { code: root.textOf('Code'), message: root.textOf('Message') };
  } catch {
    return { code: undefined, message: text.slice(0, 500) };
  }
}

/** Seconds; a date, which RFC 9110 allows too, is turned into seconds from now. */
function retryAfterOf({ headers }: S3Refusal): number | undefined {
  const text = headers['retry-after'];
  if (typeof text !== 'string') return undefined;
  const seconds = /^\d+$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined;
}

function isRefusal(failure: unknown): failure is S3Refusal {
  return typeof failure === 'object' && failure !== null && 'status' in failure && 'body' in failure;
}

function networkCodeOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string')
    return error.code;
  return error instanceof Error ? error.name : 'unknown error';
}
