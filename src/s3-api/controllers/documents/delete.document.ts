import type { ArtifactKey } from '../../../context/ids';
import { artifactKey } from '../../../context/ids';
import type { DeleteArtifact } from '../../../engine/artifacts/artifact.types';
import { S3Error } from '../../errors/s3-error';
import { requireDate, requireSize } from '../../headers/conditions';
import { unquoteEntityTag } from '../../headers/entity-tags';
import type { XmlNode } from '../../xml/xml-parser';

/** Most keys of one DeleteObjects. */
const MAX_KEYS = 1000;
const MAX_KEY_BYTES = 1024;

export interface DeleteEntry {
  readonly key: ArtifactKey;
  readonly versionId: string | undefined;
  readonly conditions: DeleteArtifact['conditions'];
}

/** `Delete` of DeleteObjects. */
export class DeleteDocument {
  /** A thousand keys of 1,024 bytes, each written as entities, with their conditions. */
  static readonly maxBytes = 8 * 1024 * 1024;
  static readonly requiresDigest = true;

  private constructor(
    readonly entries: readonly DeleteEntry[],
    readonly isQuiet: boolean,
  ) {}

  /** Throws `MalformedXML` for none or more than 1,000 keys, `KeyTooLongError`, `InvalidArgument`. */
  static fromXml(root: XmlNode): DeleteDocument {
    const objects = root.childrenOf('Object');
    if (root.name !== 'Delete' || objects.length === 0 || objects.length > MAX_KEYS) throw new S3Error('MalformedXML');
    return new DeleteDocument(objects.map(toEntry), root.textOf('Quiet')?.toLowerCase() === 'true');
  }
}

function toEntry(node: XmlNode): DeleteEntry {
  const key = node.exactTextOf('Key');
  if (key === undefined || key === '') throw new S3Error('MalformedXML');
  if (key.length > MAX_KEY_BYTES / 4 && Buffer.byteLength(key) > MAX_KEY_BYTES) {
    throw new S3Error('KeyTooLongError', {
      fields: { Size: String(Buffer.byteLength(key)), MaxSizeAllowed: String(MAX_KEY_BYTES) },
    });
  }
  const versionId = node.textOf('VersionId');
  const etag = node.textOf('ETag');
  const modified = node.textOf('LastModifiedTime');
  const size = node.textOf('Size');
  return {
    key: artifactKey(key),
    versionId: versionId === '' ? undefined : versionId,
    conditions: {
      ...(etag === undefined || etag === '' ? {} : { ifMatch: unquoteEntityTag(etag) }),
      ...(modified === undefined ? {} : { ifMatchLastModified: requireDate(modified, 'LastModifiedTime') }),
      ...(size === undefined ? {} : { ifMatchSizeBytes: requireSize(size, 'Size') }),
    },
  };
}
