import type { ArtifactAddress } from '../../engine/artifacts/artifact.types';
import { containerName } from '../../context/ids';
import { S3Error } from '../errors/s3-error';
import { checkedKey, splitBucketName } from '../http/address';
import { decodeHeaderText, invalidArgument } from './request-header';

/** What a copy reads. */
export interface CopySource extends ArtifactAddress {
  /** Whose the bucket is, where the header says so. */
  readonly tenant: string | undefined;
}

/**
 * `x-amz-copy-source`: `[/][tenant:]bucket/key[?versionId=id]`, percent-encoded. `+` is no space here. Throws `InvalidArgument`
 * when it names no object, `NotImplemented` for an access point.
 */
export function parseCopySource(header: string): CopySource {
  const text = decodeHeaderText(header);
  const marker = text.lastIndexOf('?versionId=');
  const path = decode(marker < 0 ? text : text.slice(0, marker), header);
  const versionId = marker < 0 ? undefined : decode(text.slice(marker + '?versionId='.length), header);
  if (/^arn:[^/]*:/.test(path)) {
    throw new S3Error('NotImplemented', { fields: { Header: 'x-amz-copy-source' } });
  }
  const start = path.startsWith('/') ? 1 : 0;
  const slash = path.indexOf('/', start);
  if (slash <= start || slash === path.length - 1) throw malformed(header);
  if (versionId === '') {
    throw invalidArgument('Version id cannot be the empty string', 'x-amz-copy-source', header);
  }
  const key = checkedKey(path.slice(slash + 1));
  const { tenant, bucket } = splitBucketName(path.slice(start, slash));
  if (bucket === '' || tenant === '' || bucket.includes(':')) throw malformed(header);
  return { tenant, container: containerName(bucket), key, versionId };
}

function decode(text: string, header: string): string {
  if (!text.includes('%')) return text;
  let decoded: string;
  try {
    decoded = decodeURIComponent(text);
  } catch {
    throw malformed(header);
  }
  if (decoded.includes('\0')) throw malformed(header);
  return decoded;
}

const malformed = (value: string): S3Error =>
  invalidArgument(
    'Copy Source must mention the source bucket and key: sourcebucket/sourcekey',
    'x-amz-copy-source',
    value,
  );
