import type { IncomingHttpHeaders } from 'node:http';
import type { DeleteArtifact, ReadConditions, WriteConditions } from '../../engine/artifacts/artifact.types';
import { parseEntityTagsStrongly, parseEntityTagsWeakly, parseSingleEntityTag } from './entity-tags';
import { parseHttpDate } from './http-date';
import { headerOf, invalidArgument, notImplementedHeader } from './request-header';

const NO_CONDITIONS = {};

/** Conditions of GET and HEAD. Dates that are none are ignored (RFC 9110 sections 13.1.3 and 13.1.4). */
export function readConditions(headers: IncomingHttpHeaders): ReadConditions {
  return conditionsUnder(headers, '');
}

/** `x-amz-copy-source-if-*` of CopyObject and UploadPartCopy. */
export function copySourceConditions(headers: IncomingHttpHeaders): ReadConditions {
  return conditionsUnder(headers, 'x-amz-copy-source-');
}

/**
 * `If-Match` and `If-None-Match` of a write. A date condition there is `NotImplemented`, as on AWS: to overlook it would
 * overwrite what the client meant to keep.
 */
export function writeConditions(headers: IncomingHttpHeaders): WriteConditions {
  const ifMatch = headerOf(headers, 'if-match');
  const ifNoneMatch = headerOf(headers, 'if-none-match');
  if (headers['if-modified-since'] !== undefined) throw notImplementedHeader('If-Modified-Since');
  if (headers['if-unmodified-since'] !== undefined) throw notImplementedHeader('If-Unmodified-Since');
  if (ifMatch === undefined && ifNoneMatch === undefined) return NO_CONDITIONS;
  return {
    ...(ifMatch === undefined ? {} : { ifMatch: parseSingleEntityTag(ifMatch, 'If-Match') }),
    ...(ifNoneMatch === undefined ? {} : { ifNoneMatch: parseSingleEntityTag(ifNoneMatch, 'If-None-Match') }),
  };
}

/** Conditions of DeleteObject; the header names besides `If-Match` are AWS's. */
export function deleteConditions(headers: IncomingHttpHeaders): DeleteArtifact['conditions'] {
  const ifMatch = headerOf(headers, 'if-match');
  const time = headerOf(headers, 'x-amz-if-match-last-modified-time');
  const size = headerOf(headers, 'x-amz-if-match-size');
  if (ifMatch === undefined && time === undefined && size === undefined) return NO_CONDITIONS;
  return {
    ...(ifMatch === undefined ? {} : { ifMatch: parseSingleEntityTag(ifMatch, 'If-Match') }),
    ...(time === undefined ? {} : { ifMatchLastModified: requireDate(time, 'x-amz-if-match-last-modified-time') }),
    ...(size === undefined ? {} : { ifMatchSizeBytes: requireSize(size, 'x-amz-if-match-size') }),
  };
}

/** A date that a condition of a delete rests on: what can't be read is refused, since ignoring it would delete more. */
export function requireDate(text: string, argumentName: string): Date {
  const date = parseHttpDate(text);
  if (date === undefined) throw invalidArgument('The date is invalid.', argumentName, text);
  return date;
}

/** A size in bytes. Throws `InvalidArgument`. */
export function requireSize(text: string, argumentName: string): number {
  const size = /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  if (size === undefined) throw invalidArgument('The size is not a number of bytes.', argumentName, text);
  return size;
}

function conditionsUnder(headers: IncomingHttpHeaders, prefix: string): ReadConditions {
  const ifMatch = headerOf(headers, `${prefix}if-match`);
  const ifNoneMatch = headerOf(headers, `${prefix}if-none-match`);
  const modifiedSince = headerOf(headers, `${prefix}if-modified-since`);
  const unmodifiedSince = headerOf(headers, `${prefix}if-unmodified-since`);
  if (
    ifMatch === undefined &&
    ifNoneMatch === undefined &&
    modifiedSince === undefined &&
    unmodifiedSince === undefined
  ) {
    return NO_CONDITIONS;
  }
  const ifModifiedSince = modifiedSince === undefined ? undefined : parseHttpDate(modifiedSince);
  const ifUnmodifiedSince = unmodifiedSince === undefined ? undefined : parseHttpDate(unmodifiedSince);
  return {
    ...(ifMatch === undefined ? {} : { ifMatch: parseEntityTagsStrongly(ifMatch) }),
    ...(ifNoneMatch === undefined ? {} : { ifNoneMatch: parseEntityTagsWeakly(ifNoneMatch) }),
    ...(ifModifiedSince === undefined ? {} : { ifModifiedSince }),
    ...(ifUnmodifiedSince === undefined ? {} : { ifUnmodifiedSince }),
  };
}
