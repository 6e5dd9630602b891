import type { ChecksumAlgorithm } from '../../../engine/artifacts/artifact.types';
import { CHECKSUM_ALGORITHMS } from '../../../engine/artifacts/artifact.types';
import type { CompletePart } from '../../../engine/multipart/multipart.types';
import { MAX_PART_NUMBER } from '../../../engine/multipart/multipart.types';
import { S3Error } from '../../errors/s3-error';
import { CHECKSUM_ELEMENTS } from '../../headers/checksum-headers';
import { unquoteEntityTag } from '../../headers/entity-tags';
import type { XmlNode } from '../../xml/xml-parser';

/** `CompleteMultipartUpload`: the client's list of parts, in its order. */
export class CompleteUploadDocument {
  /** 10,000 parts with ETag and checksums. */
  static readonly maxBytes = 8 * 1024 * 1024;

  private constructor(readonly parts: readonly CompletePart[]) {}

  /** Throws `MalformedXML`. */
  static fromXml(root: XmlNode): CompleteUploadDocument {
    const parts = root.childrenOf('Part');
    if (root.name !== 'CompleteMultipartUpload' || parts.length === 0 || parts.length > MAX_PART_NUMBER) {
      throw new S3Error('MalformedXML');
    }
    return new CompleteUploadDocument(parts.map(toPart));
  }

  /** S3 calls an absent list malformed, too. */
  static whenEmpty(): CompleteUploadDocument {
    throw new S3Error('MalformedXML');
  }
}

function toPart(node: XmlNode): CompletePart {
  const number = node.textOf('PartNumber') ?? '';
  const etag = node.textOf('ETag');
  if (!/^\d{1,5}$/.test(number) || etag === undefined) throw new S3Error('MalformedXML');
  const checksums: Partial<Record<ChecksumAlgorithm, string>> = {};
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const value = node.textOf(CHECKSUM_ELEMENTS[algorithm]);
    if (value !== undefined && value !== '') checksums[algorithm] = value;
  }
  return { partNumber: Number(number), etag: unquoteEntityTag(etag), checksums };
}
