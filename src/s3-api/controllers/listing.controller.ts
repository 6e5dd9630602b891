import { ListingService } from '../../engine/listing/listing.service';
import { fromContinuationToken } from '../headers/continuation-token';
import { pageSize } from '../headers/query-numbers';
import { headerOf, invalidArgument } from '../headers/request-header';
import { S3Req } from '../http/s3-req.decorator';
import type { S3Request } from '../http/s3-request';
import type { S3Response } from '../http/s3-response';
import { S3Controller } from '../operations/s3-controller.decorator';
import { S3Operation } from '../operations/s3-operation.decorator';
import { isRestoreStatusWanted, isUrlEncodingWanted, keyText } from './listing-parameters';
import type { ListingEcho } from './listing-xml';
import { writeListObjects, writeListObjectsV2, writeListVersions } from './listing-xml';
import { bucketOf } from './request-target';

/** Most keys and common prefixes on a page; who asks for more gets this many. */
const MAX_KEYS = 1000;

/** What is in a bucket. Throws `InvalidArgument` for parameters that make no sense. */
@S3Controller()
export class ListingController {
  constructor(private readonly listing: ListingService) {}

  @S3Operation('ListObjects')
  async listObjects(@S3Req() request: S3Request): Promise<S3Response> {
    const echo = echoOf(request);
    const marker = keyText(request.query, 'marker');
    const page = await this.listing.list(request.ctx, { ...echo, after: marker });
    return xmlText(writeListObjects(page, echo, marker));
  }

  /** A continuation token wins over `start-after`. */
  @S3Operation('ListObjectsV2')
  async listObjectsV2(@S3Req() request: S3Request): Promise<S3Response> {
    const echo = echoOf(request);
    const { query } = request;
    const continuationToken = query.get('continuation-token');
    const startAfter = query.has('start-after') ? keyText(query, 'start-after') : undefined;
    const isContinued = continuationToken !== undefined && continuationToken !== '';
    const page = await this.listing.list(request.ctx, {
      ...echo,
      after: isContinued ? fromContinuationToken(continuationToken) : (startAfter ?? ''),
    });
    const hasOwner = query.get('fetch-owner')?.toLowerCase() === 'true';
    return xmlText(writeListObjectsV2(page, echo, { continuationToken, startAfter, hasOwner }));
  }

  @S3Operation('ListObjectVersions')
  async listObjectVersions(@S3Req() request: S3Request): Promise<S3Response> {
    const echo = echoOf(request);
    const keyMarker = keyText(request.query, 'key-marker');
    const marker = request.query.get('version-id-marker');
    const versionIdMarker = marker === '' ? undefined : marker;
    if (versionIdMarker !== undefined && keyMarker === '') {
      throw invalidArgument(
        'A version-id marker cannot be specified without a key marker.',
        'version-id-marker',
        versionIdMarker,
      );
    }
    const page = await this.listing.listVersions(request.ctx, { ...echo, keyMarker, versionIdMarker });
    return xmlText(writeListVersions(page, echo, { keyMarker, versionIdMarker }));
  }
}

function echoOf(request: S3Request): ListingEcho {
  const { query } = request;
  return {
    container: bucketOf(request),
    prefix: keyText(query, 'prefix'),
    delimiter: keyText(query, 'delimiter'),
    maxKeys: pageSize(query, 'max-keys', MAX_KEYS),
    isUrlEncoded: isUrlEncodingWanted(query),
    hasRestores: isRestoreStatusWanted(headerOf(request.message.headers, 'x-amz-optional-object-attributes')),
  };
}

function xmlText(text: string): S3Response {
  return { body: { kind: 'text', text, contentType: 'application/xml' } };
}
