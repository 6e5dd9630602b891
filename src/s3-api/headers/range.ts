import type { RangeRequest } from '../../engine/artifacts/artifact.types';
import { MAX_PART_NUMBER } from '../../engine/multipart/multipart.types';
import { S3Error } from '../errors/s3-error';
import { invalidArgument } from './request-header';

type ByteRange = Extract<RangeRequest, { kind: 'range' }>;

/**
 * `Range` of a GET or HEAD. Undefined for what S3 answers with the whole object: several ranges, another unit, a malformed
 * one (RFC 9110 section 14.2 lets a server ignore those).
 */
export function parseRange(text: string): Exclude<RangeRequest, { kind: 'part' }> | undefined {
  const set = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(text);
  if (set === null) return undefined;
  const [, first = '', last = ''] = set;
  if (first === '') return last === '' ? undefined : { kind: 'suffix', lengthBytes: toPosition(last), text };
  const start = toPosition(first);
  const end = last === '' ? undefined : toPosition(last);
  return end !== undefined && end < start ? undefined : { kind: 'range', start, end, text };
}

/** What a GET or HEAD asks for by `Range` or `partNumber`. Throws `InvalidRequest` for both at once. */
export function readRange(rangeHeader: string | undefined, partNumber: string | undefined): RangeRequest | undefined {
  if (partNumber === undefined) return rangeHeader === undefined ? undefined : parseRange(rangeHeader);
  if (rangeHeader !== undefined) {
    throw new S3Error('InvalidRequest', {
      message: 'Cannot specify both Range header and partNumber query parameter',
    });
  }
  return { kind: 'part', partNumber: parsePartNumber(partNumber) };
}

/** 1 to 10,000. Throws `InvalidArgument`. */
export function parsePartNumber(text: string | undefined): number {
  const value = text !== undefined && /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > MAX_PART_NUMBER) {
    throw invalidArgument('Part number must be an integer between 1 and 10000, inclusive', 'partNumber', text ?? '');
  }
  return value;
}

/** `x-amz-copy-source-range`: exactly `bytes=first-last`. Throws `InvalidArgument`. */
export function parseCopySourceRange(text: string): ByteRange {
  const match = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(text);
  const start = Number(match?.[1]);
  const end = Number(match?.[2]);
  if (match === null || end < start) {
    throw invalidArgument(
      'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy',
      'x-amz-copy-source-range',
      text,
    );
  }
  return { kind: 'range', start, end, text };
}

/** Positions past 2^53 lie beyond any object; the bound keeps them exact. */
function toPosition(digits: string): number {
  return Math.min(Number(digits), Number.MAX_SAFE_INTEGER);
}
