import { ArtifactService } from '../../engine/artifacts/artifact.service';
import { checkTags, emptyTags, MAX_OBJECT_TAGS } from '../headers/tags';
import { S3Req } from '../http/s3-req.decorator';
import type { S3Request } from '../http/s3-request';
import type { S3Response } from '../http/s3-response';
import { S3Controller } from '../operations/s3-controller.decorator';
import { S3Operation } from '../operations/s3-operation.decorator';
import { XmlBody } from '../xml/xml-body.decorator';
import { TaggingDocument } from './documents/tagging.document';
import { addressOf } from './request-target';
import { taggingElement } from './tagging-element';
import { xmlResponse } from './xml-elements';

/** Tags of objects and their versions. */
@S3Controller()
export class ObjectTaggingController {
  constructor(private readonly artifacts: ArtifactService) {}

  @S3Operation('GetObjectTagging')
  async getObjectTagging(@S3Req() request: S3Request): Promise<S3Response> {
    const { stat } = await this.artifacts.head(request.ctx, {
      ...addressOf(request),
      range: undefined,
      conditions: {},
    });
    return xmlResponse(taggingElement(stat.attributes.tags), { 'x-amz-version-id': stat.versionId });
  }

  /** Throws `InvalidTag`. */
  @S3Operation('PutObjectTagging')
  async putObjectTagging(
    @S3Req() request: S3Request,
    @XmlBody(TaggingDocument) document: TaggingDocument,
  ): Promise<S3Response> {
    const tags = checkTags(document.pairs, MAX_OBJECT_TAGS);
    const { versionId } = await this.artifacts.setTags(request.ctx, addressOf(request), tags);
    return { headers: { 'x-amz-version-id': versionId } };
  }

  @S3Operation('DeleteObjectTagging')
  async deleteObjectTagging(@S3Req() request: S3Request): Promise<S3Response> {
    const { versionId } = await this.artifacts.setTags(request.ctx, addressOf(request), emptyTags());
    return { status: 204, headers: { 'x-amz-version-id': versionId } };
  }
}
