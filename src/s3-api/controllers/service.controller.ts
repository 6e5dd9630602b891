import { ContainerService } from '../../engine/containers/container.service';
import type { Container, ContainerPage } from '../../engine/containers/container.types';
import { fromContinuationToken, toContinuationToken } from '../headers/continuation-token';
import { pageSize } from '../headers/query-numbers';
import { invalidArgument } from '../headers/request-header';
import { S3Req } from '../http/s3-req.decorator';
import type { S3Request } from '../http/s3-request';
import type { S3Response } from '../http/s3-response';
import { S3Controller } from '../operations/s3-controller.decorator';
import { S3Operation } from '../operations/s3-operation.decorator';
import { keyText } from './listing-parameters';
import { callerOf } from './request-target';
import { element, ownerElement, textElement, xmlResponse } from './xml-elements';

/** Most buckets on a page; S3 pages ListBuckets only when it is asked to, or beyond this many. */
const MAX_BUCKETS = 10_000;
/** Buckets that are read at a time for a caller who may not see all of them. */
const SCANNED_PAGE = 1_000;

type ContainerList = Parameters<ContainerService['list']>[1];

/** Operations on the service itself. */
@S3Controller()
export class ServiceController {
  constructor(private readonly containers: ContainerService) {}

  /** The caller's own buckets, as far as its access key may know them. Throws `InvalidArgument`. */
  @S3Operation('ListBuckets')
  async listBuckets(@S3Req() request: S3Request): Promise<S3Response> {
    const { query } = request;
    const prefix = keyText(query, 'prefix');
    const region = query.get('bucket-region');
    const maxContainers = pageSize(query, 'max-buckets', MAX_BUCKETS);
    if (maxContainers === 0) {
      throw invalidArgument('Argument max-buckets must be an integer between 1 and 10000', 'max-buckets', '0');
    }
    const page = await this.list(request, {
      prefix,
      after: fromContinuationToken(query.get('continuation-token') ?? ''),
      maxContainers,
    });
    const buckets = page.containers.filter((container) => region === undefined || container.region === region);
    return xmlResponse(
      element('ListAllMyBucketsResult', [
        ownerElement('Owner', callerOf(request)),
        element(
          'Buckets',
          buckets.map((container) =>
            element('Bucket', [
              textElement('Name', container.name),
              textElement('CreationDate', container.createdAt.toISOString()),
              textElement('BucketRegion', container.region),
            ]),
          ),
        ),
        textElement(
          'ContinuationToken',
          page.nextAfter === undefined ? undefined : toContinuationToken(page.nextAfter),
        ),
        textElement('Prefix', query.get('prefix')),
      ]),
    );
  }

  /** A page of what the caller's scope shows. What it does not show is in no continuation token either. */
  private async list(request: S3Request, wanted: ContainerList): Promise<ContainerPage> {
    const scope = request.identity?.scope;
    if (scope === undefined) return this.containers.list(request.ctx, wanted);
    const shown: Container[] = [];
    let after: string | undefined = wanted.after;
    while (after !== undefined && shown.length <= wanted.maxContainers) {
      const page: ContainerPage = await this.containers.list(request.ctx, {
        prefix: wanted.prefix,
        after,
        maxContainers: SCANNED_PAGE,
      });
      shown.push(...page.containers.filter(({ name }) => scope.shows(name)));
      after = page.nextAfter;
    }
    const containers = shown.slice(0, wanted.maxContainers);
    return { containers, nextAfter: shown.length > containers.length ? containers.at(-1)?.name : undefined };
  }
}
