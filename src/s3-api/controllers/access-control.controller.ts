import { ArtifactService } from '../../engine/artifacts/artifact.service';
import { ContainerService } from '../../engine/containers/container.service';
import type { ListedOwner } from '../../engine/listing/listing.types';
import { OwnerDirectory, UNKNOWN_OWNER } from '../../engine/owner-directory';
import { S3Error } from '../errors/s3-error';
import { checkAclHeaders } from '../headers/acl-headers';
import { S3Req } from '../http/s3-req.decorator';
import type { S3Request } from '../http/s3-request';
import type { S3Response, XmlElement } from '../http/s3-response';
import { S3Controller } from '../operations/s3-controller.decorator';
import { S3Operation } from '../operations/s3-operation.decorator';
import { XmlBody } from '../xml/xml-body.decorator';
import { AccessControlDocument } from './documents/access-control.document';
import { addressOf, bucketOf } from './request-target';
import { element, ownerElement, textElement, xmlResponse } from './xml-elements';

const XSI = 'http://www.w3.org/2001/XMLSchema-instance';

/**
 * Access control lists as a bucket with ACLs disabled has them (object ownership BucketOwnerEnforced): the bucket's owner
 * has full control of everything in it, and nothing else can be granted.
 *
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
 */
@S3Controller()
export class AccessControlController {
  constructor(
    private readonly containers: ContainerService,
    private readonly artifacts: ArtifactService,
    private readonly owners: OwnerDirectory,
  ) {}

  @S3Operation('GetBucketAcl')
  async getBucketAcl(@S3Req() request: S3Request): Promise<S3Response> {
    return xmlResponse(policyElement(await this.ownerOfBucket(request)));
  }

  /** Throws `AccessControlListNotSupported` for anything but the owner's full control. */
  @S3Operation('PutBucketAcl')
  async putBucketAcl(
    @S3Req() request: S3Request,
    @XmlBody(AccessControlDocument) document: AccessControlDocument,
  ): Promise<S3Response> {
    requirePrivate(request, document, await this.ownerOfBucket(request));
    return {};
  }

  @S3Operation('GetObjectAcl')
  async getObjectAcl(@S3Req() request: S3Request): Promise<S3Response> {
    const versionId = await this.requireObject(request);
    return xmlResponse(policyElement(await this.ownerOfBucket(request)), { 'x-amz-version-id': versionId });
  }

  /** Throws `AccessControlListNotSupported` for anything but the owner's full control. */
  @S3Operation('PutObjectAcl')
  async putObjectAcl(
    @S3Req() request: S3Request,
    @XmlBody(AccessControlDocument) document: AccessControlDocument,
  ): Promise<S3Response> {
    const versionId = await this.requireObject(request);
    requirePrivate(request, document, await this.ownerOfBucket(request));
    return { headers: { 'x-amz-version-id': versionId } };
  }

  @S3Operation('GetBucketOwnershipControls')
  async getBucketOwnershipControls(@S3Req() request: S3Request): Promise<S3Response> {
    await this.containers.getFresh(request.ctx, bucketOf(request));
    return xmlResponse(
      element('OwnershipControls', [element('Rule', [textElement('ObjectOwnership', 'BucketOwnerEnforced')])]),
    );
  }

  private async ownerOfBucket(request: S3Request): Promise<ListedOwner> {
    const { ownerId } = await this.containers.getFresh(request.ctx, bucketOf(request));
    return (await this.owners.find([ownerId])).get(ownerId) ?? UNKNOWN_OWNER;
  }

  private async requireObject(request: S3Request): Promise<string | undefined> {
    const { stat } = await this.artifacts.head(request.ctx, {
      ...addressOf(request),
      range: undefined,
      conditions: {},
    });
    return stat.versionId;
  }
}

function requirePrivate(request: S3Request, document: AccessControlDocument, owner: ListedOwner): void {
  const hasHeaders = checkAclHeaders(request.message.headers, owner.canonicalId);
  if (!document.isPresent) {
    if (!hasHeaders) throw new S3Error('MissingSecurityHeader', { fields: { MissingHeaderName: 'x-amz-acl' } });
    return;
  }
  if (hasHeaders) throw new S3Error('UnexpectedContent');
  if (!document.isPrivateTo(owner.canonicalId)) throw new S3Error('AccessControlListNotSupported');
}

function policyElement(owner: ListedOwner): XmlElement {
  const grantee: XmlElement = {
    name: 'Grantee',
    attributes: { 'xmlns:xsi': XSI, 'xsi:type': 'CanonicalUser' },
    children: [textElement('ID', owner.canonicalId), textElement('DisplayName', owner.displayName)],
  };
  return element('AccessControlPolicy', [
    ownerElement('Owner', owner),
    element('AccessControlList', [element('Grant', [grantee, textElement('Permission', 'FULL_CONTROL')])]),
  ]);
}
