import { S3Error } from '../../errors/s3-error';
import type { XmlNode } from '../../xml/xml-parser';

/** `Tagging`: the pairs as they came. What is allowed depends on what is tagged, see `checkTags`. */
export class TaggingDocument {
  static readonly maxBytes = 64 * 1024;

  private constructor(readonly pairs: readonly (readonly [key: string, value: string])[]) {}

  /** Throws `MalformedXML`. */
  static fromXml(root: XmlNode): TaggingDocument {
    const set = root.child('TagSet');
    if (root.name !== 'Tagging' || set === undefined) throw new S3Error('MalformedXML');
    return new TaggingDocument(tagPairs(set));
  }
}

/** Key and value of every `Tag` in a set. Throws `MalformedXML`. */
export function tagPairs(set: XmlNode): readonly (readonly [key: string, value: string])[] {
  return set.childrenOf('Tag').map((tag) => {
    const key = tag.exactTextOf('Key');
    const value = tag.exactTextOf('Value');
    if (key === undefined || value === undefined) throw new S3Error('MalformedXML');
    return [key, value] as const;
  });
}
