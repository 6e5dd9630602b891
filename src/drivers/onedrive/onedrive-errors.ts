import { DriverError } from '../driver.errors';
import type { DriverErrorKind } from '../driver.errors';
import type { S3Refusal } from '../s3/s3-errors';
import { parsedJson, textAt } from './graph-json';

/**
 * Error codes of Microsoft Graph (https://learn.microsoft.com/graph/errors, https://learn.microsoft.com/onedrive/developer/rest-api/concepts/errors)
 * whose kind does not follow from the status. Of the 404s only `itemNotFound` is a missing blob: others say that the drive or the
 * user is not there.
 */
const KINDS_BY_CODE: Readonly<Record<string, DriverErrorKind>> = {
  itemNotFound: 'NotFound',
  nameAlreadyExists: 'AlreadyExists',
  quotaLimitReached: 'NoSpace',
  insufficientQuota: 'NoSpace',
  activityLimitReached: 'RateLimited',
  invalidRange: 'RangeNotSatisfiable',
};

/**
 * The one translation of what Graph answers other than success. With `Retry-After` a 503 is throttling too, and no fault. Messages go
 * into `cause` only.
 */
export function graphError(answer: S3Refusal): DriverError {
  const { status } = answer;
  const json = parsedJson(answer.body);
  const code = textAt(json, 'error', 'code') ?? textAt(json, 'error');
  const retryAfterSeconds = retryAfterOf(answer);
  const kind = isThrottling(answer) ? 'RateLimited' : (KINDS_BY_CODE[code ?? ''] ?? kindOfStatus(status));
  const isTransient = status >= 500 || status === 408 || status === 409 || status === 423;
  return new DriverError(kind, `the backend answered ${String(status)}${code === undefined ? '' : ` ${code}`}`, {
    cause: textAt(json, 'error', 'message') ?? textAt(json, 'error_description'),
    isRetryable: kind === 'RateLimited' || (kind === 'Unavailable' && isTransient),
    ...(kind === 'RateLimited' && retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}

/** The account has to pause. */
export function isThrottling(answer: S3Refusal): boolean {
  const { status } = answer;
  return status === 429 || status === 509 || (status === 503 && retryAfterOf(answer) !== undefined);
}

/** Seconds until the account is served again: the larger of `Retry-After` and `RateLimit-Reset`. */
export function retryAfterOf({ headers }: S3Refusal): number | undefined {
  const seconds = ['retry-after', 'ratelimit-reset'].flatMap((name) => {
    const text = headers[name];
    return typeof text === 'string' && /^\d{1,9}$/.test(text) ? [Number(text)] : [];
  });
  return seconds.length === 0 ? undefined : Math.max(...seconds);
}

function kindOfStatus(status: number): DriverErrorKind {
  switch (status) {
    // Credentials, permissions, the drive, locks and conflicts within OneDrive: not the client's fault, and another driver may do.
    case 401:
    case 403:
    case 404:
    case 408:
    case 409:
    case 423:
      return 'Unavailable';
    case 413:
      return 'TooLarge';
    case 416:
      return 'RangeNotSatisfiable';
    case 507:
      return 'NoSpace';
    default:
      return status >= 500 ? 'Unavailable' : 'Unexpected';
  }
}
