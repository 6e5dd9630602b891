import { EngineError } from '../engine.errors';
import type { ReadConditions } from './artifact.types';

interface Current {
  readonly etag: string;
  readonly lastModified: Date;
  readonly versionId: string | undefined;
}

/**
 * RFC 9110 section 13.2.2 in its order: If-Match, else If-Unmodified-Since; then If-None-Match, else If-Modified-Since.
 * Dates compare in whole seconds, since that is all an HTTP date says. Throws `PreconditionFailed` or `NotModified`.
 */
export function checkReadConditions(conditions: ReadConditions, current: Current): void {
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = conditions;
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, current.etag)) throw preconditionFailed('If-Match');
  } else if (ifUnmodifiedSince !== undefined && seconds(current.lastModified) > seconds(ifUnmodifiedSince)) {
    throw preconditionFailed('If-Unmodified-Since');
  }
  if (ifNoneMatch !== undefined) {
    if (matches(ifNoneMatch, current.etag)) throw notModified(current);
  } else if (ifModifiedSince !== undefined && seconds(current.lastModified) <= seconds(ifModifiedSince)) {
    throw notModified(current);
  }
}

/** Conditions on the source of a copy: where a read would be `NotModified`, S3 says 412. */
export function checkCopySourceConditions(conditions: ReadConditions, current: Current): void {
  try {
    checkReadConditions(conditions, current);
  } catch (error) {
    if (error instanceof EngineError && error.failure.kind === 'NotModified') {
      throw preconditionFailed('x-amz-copy-source-If-None-Match');
    }
    throw error;
  }
}

const matches = (etags: readonly string[], etag: string): boolean => etags.includes('*') || etags.includes(etag);
const seconds = (date: Date): number => Math.floor(date.getTime() / 1000);
const preconditionFailed = (condition: string): EngineError =>
  new EngineError({ kind: 'PreconditionFailed', condition });
const notModified = (current: Current): EngineError => new EngineError({ kind: 'NotModified', ...current });
