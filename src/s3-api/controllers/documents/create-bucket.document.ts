import { S3Error } from '../../errors/s3-error';
import type { Tags } from '../../headers/tags';
import { checkTags, MAX_BUCKET_TAGS } from '../../headers/tags';
import type { XmlNode } from '../../xml/xml-parser';
import { tagPairs } from './tagging.document';

/** `CreateBucketConfiguration`; an empty body is an empty one. */
export class CreateBucketDocument {
  static readonly maxBytes = 64 * 1024;

  private constructor(
    readonly locationConstraint: string | undefined,
    readonly tags: Tags | undefined,
  ) {}

  /** Throws `MalformedXML`, `InvalidTag`, and `NotImplemented` for directory buckets. */
  static fromXml(root: XmlNode): CreateBucketDocument {
    if (root.name !== 'CreateBucketConfiguration') throw new S3Error('MalformedXML');
    if (root.child('Location') !== undefined || root.child('Bucket') !== undefined) {
      throw new S3Error('NotImplemented', { message: 'Directory buckets are not supported.' });
    }
    const tags = root.child('Tags');
    const location = root.textOf('LocationConstraint');
    return new CreateBucketDocument(
      location === '' ? undefined : location,
      tags === undefined ? undefined : checkTags(tagPairs(tags), MAX_BUCKET_TAGS),
    );
  }

  static whenEmpty(): CreateBucketDocument {
    return new CreateBucketDocument(undefined, undefined);
  }
}
