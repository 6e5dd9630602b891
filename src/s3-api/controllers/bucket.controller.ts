import { Environment } from '../../config/environment';
import { ContainerService } from '../../engine/containers/container.service';
import { S3Error } from '../errors/s3-error';
import { checkAclHeaders } from '../headers/acl-headers';
import { headerOf, invalidArgument, notImplementedHeader } from '../headers/request-header';
import { S3Req } from '../http/s3-req.decorator';
import type { S3Request } from '../http/s3-request';
import type { S3Response } from '../http/s3-response';
import { S3Controller } from '../operations/s3-controller.decorator';
import { S3Operation } from '../operations/s3-operation.decorator';
import { XmlBody } from '../xml/xml-body.decorator';
import { checkLocationConstraint, CLASSIC_REGION, locationConstraintOf } from './bucket-location';
import { CreateBucketDocument } from './documents/create-bucket.document';
import { VersioningDocument } from './documents/versioning.document';
import { bucketOf, callerOf } from './request-target';
import { element, textElement, xmlResponse } from './xml-elements';

const OWNERSHIPS: ReadonlySet<string> = new Set(['BucketOwnerEnforced', 'BucketOwnerPreferred', 'ObjectWriter']);

/** Buckets themselves: making, asking for and deleting them, where they are, whether they keep versions. */
@S3Controller()
export class BucketController {
  constructor(
    private readonly containers: ContainerService,
    private readonly environment: Environment,
  ) {}

  /**
   * Again on an own bucket: 200 in us-east-1, as S3 does, `BucketAlreadyOwnedByYou` elsewhere. Throws
   * `InvalidLocationConstraint`, `IllegalLocationConstraintException`, `InvalidBucketAclWithObjectOwnership`,
   * `InvalidArgument`, `NotImplemented` (object lock), `BucketAlreadyExists`.
   */
  @S3Operation('CreateBucket')
  async createBucket(
    @S3Req() request: S3Request,
    @XmlBody(CreateBucketDocument) document: CreateBucketDocument,
  ): Promise<S3Response> {
    const name = bucketOf(request);
    const { region } = this.environment;
    checkCreateHeaders(request);
    checkLocationConstraint(document.locationConstraint, region);
    const { isNew } = await this.containers.create(request.ctx, { name, region });
    if (!isNew && region !== CLASSIC_REGION) {
      throw new S3Error('BucketAlreadyOwnedByYou', { fields: { BucketName: name } });
    }
    if (isNew && document.tags !== undefined) await this.containers.setTags(request.ctx, name, document.tags);
    return { headers: { location: `/${name}` } };
  }

  @S3Operation('HeadBucket')
  async headBucket(@S3Req() request: S3Request): Promise<S3Response> {
    const container = await this.containers.getFresh(request.ctx, bucketOf(request));
    return {
      headers: {
        'content-type': 'application/xml',
        'x-amz-bucket-region': container.region,
        'x-amz-access-point-alias': 'false',
      },
    };
  }

  @S3Operation('DeleteBucket')
  async deleteBucket(@S3Req() request: S3Request): Promise<S3Response> {
    await this.containers.delete(request.ctx, bucketOf(request));
    return { status: 204 };
  }

  @S3Operation('GetBucketLocation')
  async getBucketLocation(@S3Req() request: S3Request): Promise<S3Response> {
    const { region } = await this.containers.getFresh(request.ctx, bucketOf(request));
    return xmlResponse({ name: 'LocationConstraint', children: locationConstraintOf(region) });
  }

  @S3Operation('GetBucketVersioning')
  async getBucketVersioning(@S3Req() request: S3Request): Promise<S3Response> {
    const { versioning } = await this.containers.getFresh(request.ctx, bucketOf(request));
    const status = { off: undefined, enabled: 'Enabled', suspended: 'Suspended' }[versioning];
    return xmlResponse(element('VersioningConfiguration', [textElement('Status', status)]));
  }

  /** Throws `NotImplemented` for MFA delete. */
  @S3Operation('PutBucketVersioning')
  async putBucketVersioning(
    @S3Req() request: S3Request,
    @XmlBody(VersioningDocument) document: VersioningDocument,
  ): Promise<S3Response> {
    if (request.message.headers['x-amz-mfa'] !== undefined) throw notImplementedHeader('x-amz-mfa');
    await this.containers.setVersioning(request.ctx, bucketOf(request), document.state);
    return {};
  }
}

function checkCreateHeaders(request: S3Request): void {
  const { headers } = request.message;
  if (headerOf(headers, 'x-amz-bucket-object-lock-enabled')?.toLowerCase() === 'true') {
    throw notImplementedHeader('x-amz-bucket-object-lock-enabled', 'Object lock is not supported.');
  }
  const ownership = headerOf(headers, 'x-amz-object-ownership');
  if (ownership !== undefined && !OWNERSHIPS.has(ownership)) {
    throw invalidArgument('Invalid x-amz-object-ownership header.', 'x-amz-object-ownership', ownership);
  }
  try {
    checkAclHeaders(headers, callerOf(request).canonicalId);
  } catch (error) {
    if (!(error instanceof S3Error) || error.code !== 'AccessControlListNotSupported') throw error;
    throw new S3Error('InvalidBucketAclWithObjectOwnership', { cause: error });
  }
}
