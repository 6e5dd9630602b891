import { ArtifactRestorer } from '../../engine/archive/artifact-restorer';
import { S3Req } from '../http/s3-req.decorator';
import type { S3Request } from '../http/s3-request';
import type { S3Response } from '../http/s3-response';
import { S3Controller } from '../operations/s3-controller.decorator';
import { S3Operation } from '../operations/s3-operation.decorator';
import { XmlBody } from '../xml/xml-body.decorator';
import { RestoreDocument } from './documents/restore.document';
import { addressOf } from './request-target';

/** RestoreObject. */
@S3Controller()
export class RestoreController {
  constructor(private readonly restorer: ArtifactRestorer) {}

  /** 202: the object will be readable; 200: it is, and stays so. */
  @S3Operation('RestoreObject')
  async restoreObject(
    @S3Req() request: S3Request,
    @XmlBody(RestoreDocument) { days, tier }: RestoreDocument,
  ): Promise<S3Response> {
    const isRequested = await this.restorer.restore(request.ctx, { ...addressOf(request), days, tier });
    return { status: isRequested ? 202 : 200 };
  }
}
