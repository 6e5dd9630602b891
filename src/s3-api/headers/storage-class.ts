import { S3Error } from '../errors/s3-error';

export const DEFAULT_STORAGE_CLASS = 'STANDARD';

/** Classes that a client may name for an object. The directory-bucket and Outposts classes are bound to their own buckets. */
const STORAGE_CLASSES: ReadonlySet<string> = new Set([
  DEFAULT_STORAGE_CLASS,
  'REDUCED_REDUNDANCY',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER',
  'GLACIER_IR',
  'DEEP_ARCHIVE',
]);

/** Checked storage class. Throws `InvalidStorageClass`. */
export function checkStorageClass(value: string): string {
  if (!STORAGE_CLASSES.has(value)) {
    throw new S3Error('InvalidStorageClass', { fields: { StorageClassRequested: value } });
  }
  return value;
}
