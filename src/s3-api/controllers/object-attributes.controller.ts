import { ArtifactService } from '../../engine/artifacts/artifact.service';
import type { ArtifactPart, ArtifactStat } from '../../engine/artifacts/artifact.types';
import { CHECKSUM_ELEMENTS } from '../headers/checksum-headers';
import { numberMarker, pageSizeOf } from '../headers/query-numbers';
import { headerOf, invalidArgument } from '../headers/request-header';
import { refuseCustomerKey } from '../headers/write-headers';
import { S3Req } from '../http/s3-req.decorator';
import type { S3Request } from '../http/s3-request';
import type { S3Response, XmlElement } from '../http/s3-response';
import { S3Controller } from '../operations/s3-controller.decorator';
import { S3Operation } from '../operations/s3-operation.decorator';
import { addressOf } from './request-target';
import { checksumElements, element, textElement, xmlResponse } from './xml-elements';

const MAX_PARTS = 1000;
const ATTRIBUTES: ReadonlySet<string> = new Set(['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize']);

interface PartsPage {
  readonly afterPartNumber: number;
  readonly maxParts: number;
}

/** GetObjectAttributes. */
@S3Controller()
export class ObjectAttributesController {
  constructor(private readonly artifacts: ArtifactService) {}

  /** Parts are paged by the headers `x-amz-max-parts` and `x-amz-part-number-marker`. Throws `InvalidArgument`. */
  @S3Operation('GetObjectAttributes')
  async getObjectAttributes(@S3Req() request: S3Request): Promise<S3Response> {
    const { headers } = request.message;
    refuseCustomerKey(headers);
    const wanted = wantedAttributes(headerOf(headers, 'x-amz-object-attributes'));
    const page: PartsPage = {
      afterPartNumber: numberMarker(headerOf(headers, 'x-amz-part-number-marker'), 'part-number-marker'),
      maxParts: pageSizeOf(headerOf(headers, 'x-amz-max-parts'), 'max-parts', MAX_PARTS),
    };
    const { stat, parts, isTruncated } = await this.artifacts.listParts(request.ctx, addressOf(request), page);
    const hasParts = wanted.has('ObjectParts') && stat.partCount !== undefined;
    return xmlResponse(
      element('GetObjectAttributesResponse', [
        wanted.has('ETag') ? textElement('ETag', stat.etag) : undefined,
        wanted.has('Checksum') && stat.checksum !== undefined
          ? element('Checksum', checksumElements(stat.checksum))
          : undefined,
        hasParts ? partsElement(stat, parts, page, isTruncated) : undefined,
        wanted.has('StorageClass') ? textElement('StorageClass', stat.attributes.storageClass) : undefined,
        wanted.has('ObjectSize') ? textElement('ObjectSize', stat.sizeBytes) : undefined,
      ]),
      { 'last-modified': stat.lastModified.toUTCString(), 'x-amz-version-id': stat.versionId },
    );
  }
}

function wantedAttributes(header: string | undefined): ReadonlySet<string> {
  const names = (header ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (names.length === 0 || names.some((name) => !ATTRIBUTES.has(name))) {
    throw invalidArgument('Invalid attribute name specified.', 'x-amz-object-attributes', header ?? '');
  }
  return new Set(names);
}

function partsElement(
  stat: ArtifactStat,
  parts: readonly ArtifactPart[],
  page: PartsPage,
  isTruncated: boolean,
): XmlElement {
  return element('ObjectParts', [
    textElement('PartsCount', stat.partCount),
    textElement('PartNumberMarker', page.afterPartNumber),
    textElement('NextPartNumberMarker', parts.at(-1)?.partNumber ?? 0),
    textElement('MaxParts', page.maxParts),
    textElement('IsTruncated', isTruncated),
    ...parts.map((part) =>
      element('Part', [
        textElement('PartNumber', part.partNumber),
        textElement('Size', part.sizeBytes),
        part.checksum === undefined
          ? undefined
          : textElement(CHECKSUM_ELEMENTS[part.checksum.algorithm], part.checksum.value),
      ]),
    ),
  ]);
}
