import { S3Error } from '../errors/s3-error';
import { decodeHeaderText, invalidArgument } from './request-header';

/** Most tags that an object may have. */
export const MAX_OBJECT_TAGS = 10;
/** Most tags that a bucket may have. */
export const MAX_BUCKET_TAGS = 50;
const MAX_TAG_KEY_LENGTH = 128;
const MAX_TAG_VALUE_LENGTH = 256;
/** Letters, digits and spaces of any script, and `+ - = . _ : / @`. */
const TAG_TEXT = /^[\p{L}\p{M}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** Tags by key. Has no prototype: a tag may well be called `__proto__`. */
export type Tags = Readonly<Record<string, string>>;

/**
 * Checked tags. Throws `InvalidTag` for a key that is empty, too long, reserved (`aws:`) or given twice, for a value that
 * is too long, for letters that S3 does not allow, and for more than `maxTags` of them.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
 */
export function checkTags(pairs: readonly (readonly [key: string, value: string])[], maxTags: number): Tags {
  if (pairs.length > maxTags) {
    const of = maxTags === MAX_OBJECT_TAGS ? 'Object' : 'Bucket';
    throw invalidTag(`${of} tags cannot be greater than ${String(maxTags)}`, '');
  }
  const tags = emptyTags();
  for (const [key, value] of pairs) {
    if (key === '' || key.length > MAX_TAG_KEY_LENGTH || !TAG_TEXT.test(key)) {
      throw invalidTag('The TagKey you have provided is invalid', key);
    }
    if (value.length > MAX_TAG_VALUE_LENGTH || !TAG_TEXT.test(value)) {
      throw invalidTag('The TagValue you have provided is invalid', key);
    }
    if (key.startsWith('aws:')) throw invalidTag('System tags cannot be added/updated by requester', key);
    if (key in tags) throw invalidTag('Cannot provide multiple Tags with the same key', key);
    tags[key] = value;
  }
  return tags;
}

/** `x-amz-tagging`: form-encoded pairs, where `+` is a space. Throws `InvalidArgument` when malformed, else as {@link checkTags}. */
export function parseTaggingHeader(header: string): Tags {
  const pairs: [string, string][] = [];
  for (const pair of decodeHeaderText(header).split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const key = equals < 0 ? pair : pair.slice(0, equals);
    pairs.push([decodeForm(key, header), equals < 0 ? '' : decodeForm(pair.slice(equals + 1), header)]);
  }
  return checkTags(pairs, MAX_OBJECT_TAGS);
}

export function emptyTags(): Record<string, string> {
  return Object.create(null) as Record<string, string>;
}

function decodeForm(text: string, header: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw invalidArgument(
      "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
      'x-amz-tagging',
      header,
    );
  }
}

function invalidTag(message: string, key: string): S3Error {
  return new S3Error('InvalidTag', { message, ...(key === '' ? {} : { fields: { TagKey: key } }) });
}
