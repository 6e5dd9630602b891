import { originOf } from '../../engine/change-origin';
import { ContainerService } from '../../engine/containers/container.service';
import type { NotificationRule } from '../../events/notifications/notification-rules';
import { RULE_ELEMENTS } from '../../events/notifications/notification-rules';
import { NotificationSettings } from '../../events/notifications/notification-settings';
import { S3Error } from '../errors/s3-error';
import { S3Req } from '../http/s3-req.decorator';
import type { S3Request } from '../http/s3-request';
import type { S3Response, XmlElement } from '../http/s3-response';
import { S3Controller } from '../operations/s3-controller.decorator';
import { S3Operation } from '../operations/s3-operation.decorator';
import { XmlBody } from '../xml/xml-body.decorator';
import { NotificationDocument } from './documents/notification.document';
import { bucketOf } from './request-target';
import { element, textElement, xmlResponse } from './xml-elements';

/** Who is told of changes in buckets. */
@S3Controller()
export class BucketNotificationController {
  constructor(
    private readonly containers: ContainerService,
    private readonly settings: NotificationSettings,
  ) {}

  @S3Operation('GetBucketNotificationConfiguration')
  async getBucketNotificationConfiguration(@S3Req() request: S3Request): Promise<S3Response> {
    const { id } = await this.containers.getFresh(request.ctx, bucketOf(request));
    const rules = await this.settings.get(id);
    return xmlResponse(element('NotificationConfiguration', rules.map(ruleElement)));
  }

  /** Throws `InvalidArgument` for targets that there are not, or not for this tenant. */
  @S3Operation('PutBucketNotificationConfiguration')
  async putBucketNotificationConfiguration(
    @S3Req() request: S3Request,
    @XmlBody(NotificationDocument) { rules }: NotificationDocument,
  ): Promise<S3Response> {
    const { ctx } = request;
    const bucket = bucketOf(request);
    const { id, tenantId } = await this.containers.getFresh(ctx, bucket);
    const result = await this.settings.set(tenantId, id, rules, originOf(ctx));
    switch (result.kind) {
      case 'set':
        return {};
      case 'no-container':
        throw new S3Error('NoSuchBucket', { fields: { BucketName: bucket } });
      case 'unknown-targets':
        throw new S3Error('InvalidArgument', {
          message: 'Unable to validate the following destination configurations',
          fields: { ArgumentName: result.arns.join(', '), ArgumentValue: 'The destination does not exist' },
        });
    }
  }
}

function ruleElement({ id, element: name, arn, events, prefix, suffix }: NotificationRule): XmlElement {
  const filters = [filterElement('prefix', prefix), filterElement('suffix', suffix)];
  return element(name, [
    textElement('Id', id),
    textElement(RULE_ELEMENTS[name].arn, arn),
    ...events.map((event) => textElement('Event', `s3:${event}`)),
    prefix === undefined && suffix === undefined ? undefined : element('Filter', [element('S3Key', filters)]),
  ]);
}

function filterElement(name: string, value: string | undefined): XmlElement | undefined {
  return value === undefined
    ? undefined
    : element('FilterRule', [textElement('Name', name), textElement('Value', value)]);
}
