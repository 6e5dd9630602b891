import { ContainerService } from '../../engine/containers/container.service';
import { S3Error } from '../errors/s3-error';
import { checkTags, MAX_BUCKET_TAGS } from '../headers/tags';
import { S3Req } from '../http/s3-req.decorator';
import type { S3Request } from '../http/s3-request';
import type { S3Response } from '../http/s3-response';
import { S3Controller } from '../operations/s3-controller.decorator';
import { S3Operation } from '../operations/s3-operation.decorator';
import { XmlBody } from '../xml/xml-body.decorator';
import { TaggingDocument } from './documents/tagging.document';
import { bucketOf } from './request-target';
import { taggingElement } from './tagging-element';
import { xmlResponse } from './xml-elements';

/** Tags of buckets. */
@S3Controller()
export class BucketTaggingController {
  constructor(private readonly containers: ContainerService) {}

  /** Throws `NoSuchTagSet`. */
  @S3Operation('GetBucketTagging')
  async getBucketTagging(@S3Req() request: S3Request): Promise<S3Response> {
    const name = bucketOf(request);
    const tags = await this.containers.getTags(request.ctx, name);
    if (tags === undefined) throw new S3Error('NoSuchTagSet', { fields: { BucketName: name } });
    return xmlResponse(taggingElement(tags));
  }

  /** Throws `InvalidTag`. */
  @S3Operation('PutBucketTagging')
  async putBucketTagging(
    @S3Req() request: S3Request,
    @XmlBody(TaggingDocument) document: TaggingDocument,
  ): Promise<S3Response> {
    await this.containers.setTags(request.ctx, bucketOf(request), checkTags(document.pairs, MAX_BUCKET_TAGS));
    return { status: 204 };
  }

  @S3Operation('DeleteBucketTagging')
  async deleteBucketTagging(@S3Req() request: S3Request): Promise<S3Response> {
    await this.containers.setTags(request.ctx, bucketOf(request), undefined);
    return { status: 204 };
  }
}
