import { AccessLogSettingsStore } from '../access-logs/access-log-settings';
import type { AccessLogSettings, LogKeyFormat } from '../access-logs/access-log-settings';
import { S3Error } from '../errors/s3-error';
import { S3Req } from '../http/s3-req.decorator';
import type { S3Request } from '../http/s3-request';
import type { S3Response, XmlElement } from '../http/s3-response';
import { S3Controller } from '../operations/s3-controller.decorator';
import { S3Operation } from '../operations/s3-operation.decorator';
import { XmlBody } from '../xml/xml-body.decorator';
import { LoggingDocument } from './documents/logging.document';
import { bucketOf } from './request-target';
import { element, textElement, xmlResponse } from './xml-elements';

/** Server access logs of buckets. */
@S3Controller()
export class BucketLoggingController {
  constructor(private readonly store: AccessLogSettingsStore) {}

  @S3Operation('GetBucketLogging')
  async getBucketLogging(@S3Req() request: S3Request): Promise<S3Response> {
    const settings = await this.store.get(request.ctx, bucketOf(request));
    return xmlResponse(element('BucketLoggingStatus', [settings && loggingElement(settings)]));
  }

  /** Throws `InvalidTargetBucketForLogging`. */
  @S3Operation('PutBucketLogging')
  async putBucketLogging(
    @S3Req() request: S3Request,
    @XmlBody(LoggingDocument) { settings }: LoggingDocument,
  ): Promise<S3Response> {
    const bucket = bucketOf(request);
    if (settings === undefined) await this.store.switchOff(request.ctx, bucket);
    else if (!(await this.store.set(request.ctx, bucket, settings))) {
      throw new S3Error('InvalidTargetBucketForLogging', { fields: { TargetBucket: settings.targetBucket } });
    }
    return {};
  }
}

function loggingElement({ targetBucket, targetPrefix, keyFormat }: AccessLogSettings): XmlElement {
  return element('LoggingEnabled', [
    textElement('TargetBucket', targetBucket),
    textElement('TargetPrefix', targetPrefix),
    keyFormat && element('TargetObjectKeyFormat', [formatElement(keyFormat)]),
  ]);
}

function formatElement(format: LogKeyFormat): XmlElement {
  switch (format) {
    case 'simple':
      return element('SimplePrefix', []);
    case 'by-event-time':
      return partitioned('EventTime');
    case 'by-delivery-time':
      return partitioned('DeliveryTime');
  }
}

function partitioned(source: string): XmlElement {
  return element('PartitionedPrefix', [textElement('PartitionDateSource', source)]);
}
