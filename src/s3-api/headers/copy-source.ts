import type { ArtifactAddress } from '../../engine/artifacts/artifact.types';
import { artifactKey, containerName } from '../../context/ids';
import { S3Error } from '../errors/s3-error';
import { decodeHeaderText, invalidArgument } from './request-header';

const MAX_KEY_BYTES = 1024;

/**
 * `x-amz-copy-source`: `[/]bucket/key[?versionId=id]`, percent-encoded. `+` is no space here. Throws `InvalidArgument`
 * when it names no object, `NotImplemented` for an access point.
 */
export function parseCopySource(header: string): ArtifactAddress {
  const text = decodeHeaderText(header);
  const marker = text.lastIndexOf('?versionId=');
  const path = decode(marker < 0 ? text : text.slice(0, marker), header);
  const versionId = marker < 0 ? undefined : decode(text.slice(marker + '?versionId='.length), header);
  if (path.startsWith('arn:')) {
    throw new S3Error('NotImplemented', { fields: { Header: 'x-amz-copy-source' } });
  }
  const start = path.startsWith('/') ? 1 : 0;
  const slash = path.indexOf('/', start);
  if (slash <= start || slash === path.length - 1) throw malformed(header);
  if (versionId === '') {
    throw invalidArgument('Version id cannot be the empty string', 'x-amz-copy-source', header);
  }
  const key = path.slice(slash + 1);
  if (key.length > MAX_KEY_BYTES / 4 && Buffer.byteLength(key) > MAX_KEY_BYTES) {
    throw new S3Error('KeyTooLongError', { fields: { Size: String(Buffer.byteLength(key)), MaxSizeAllowed: '1024' } });
  }
  return { container: containerName(path.slice(start, slash)), key: artifactKey(key), versionId };
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
