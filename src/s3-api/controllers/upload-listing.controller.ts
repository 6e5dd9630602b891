import type { UploadSummary } from '../../engine/multipart/multipart.types';
import { UploadLister } from '../../engine/multipart/upload-lister';
import { numberMarker, pageSize } from '../headers/query-numbers';
import { S3Req } from '../http/s3-req.decorator';
import type { S3Request } from '../http/s3-request';
import type { S3Response, XmlElement } from '../http/s3-response';
import { S3Controller } from '../operations/s3-controller.decorator';
import { S3Operation } from '../operations/s3-operation.decorator';
import { isUrlEncodingWanted, keyText } from './listing-parameters';
import { encodeForUrl } from './listing-xml';
import { uploadAddressOf } from './multipart.controller';
import { bucketOf } from './request-target';
import { checksumElements, element, ownerElement, textElement, xmlResponse } from './xml-elements';

/** Most parts or uploads on a page; who asks for more gets this many. */
const MAX_ENTRIES = 1000;

/** Uploads in progress, and what they have so far. */
@S3Controller()
export class UploadListingController {
  constructor(private readonly lister: UploadLister) {}

  @S3Operation('ListParts')
  async listParts(@S3Req() request: S3Request): Promise<S3Response> {
    const address = uploadAddressOf(request);
    const afterPartNumber = numberMarker(request.query.get('part-number-marker'), 'part-number-marker');
    const maxParts = pageSize(request.query, 'max-parts', MAX_ENTRIES);
    const page = await this.lister.listParts(request.ctx, address, { afterPartNumber, maxParts });
    return xmlResponse(
      element('ListPartsResult', [
        textElement('Bucket', address.container),
        textElement('Key', address.key),
        textElement('UploadId', address.uploadId),
        ...partiesOf(page.upload),
        textElement('PartNumberMarker', afterPartNumber),
        textElement('NextPartNumberMarker', page.nextPartNumberMarker),
        textElement('MaxParts', maxParts),
        textElement('IsTruncated', page.isTruncated && maxParts > 0),
        textElement('ChecksumAlgorithm', page.upload.checksumAlgorithm),
        textElement('ChecksumType', page.upload.checksumType),
        ...page.parts.map((part) =>
          element('Part', [
            textElement('PartNumber', part.partNumber),
            textElement('LastModified', part.lastModified.toISOString()),
            textElement('ETag', `"${part.etag}"`),
            textElement('Size', part.sizeBytes),
            checksumElements(part.checksum)[0],
          ]),
        ),
      ]),
    );
  }

  /** `upload-id-marker` counts only together with `key-marker`, as on S3. */
  @S3Operation('ListMultipartUploads')
  async listMultipartUploads(@S3Req() request: S3Request): Promise<S3Response> {
    const { query } = request;
    const isUrlEncoded = isUrlEncodingWanted(query);
    const encode = (text: string): string => (isUrlEncoded ? encodeForUrl(text) : text);
    const keyMarker = keyText(query, 'key-marker');
    const list = {
      container: bucketOf(request),
      prefix: keyText(query, 'prefix'),
      delimiter: keyText(query, 'delimiter'),
      keyMarker,
      uploadIdMarker: keyMarker === '' ? '' : (query.get('upload-id-marker') ?? ''),
      maxUploads: pageSize(query, 'max-uploads', MAX_ENTRIES),
    };
    const page = await this.lister.listUploads(request.ctx, list);
    return xmlResponse(
      element('ListMultipartUploadsResult', [
        textElement('Bucket', list.container),
        textElement('KeyMarker', encode(keyMarker)),
        textElement('UploadIdMarker', list.uploadIdMarker),
        textElement('NextKeyMarker', page.nextKeyMarker === undefined ? undefined : encode(page.nextKeyMarker)),
        textElement('NextUploadIdMarker', page.nextUploadIdMarker),
        textElement('Prefix', encode(list.prefix)),
        list.delimiter === '' ? undefined : textElement('Delimiter', encode(list.delimiter)),
        isUrlEncoded ? textElement('EncodingType', 'url') : undefined,
        textElement('MaxUploads', list.maxUploads),
        textElement('IsTruncated', page.isTruncated),
        ...page.uploads.map((upload) => uploadElement(upload, encode)),
        ...page.commonPrefixes.map((prefix) => element('CommonPrefixes', [textElement('Prefix', encode(prefix))])),
      ]),
    );
  }
}

function uploadElement(upload: UploadSummary, encode: (text: string) => string): XmlElement {
  return element('Upload', [
    textElement('Key', encode(upload.key)),
    textElement('UploadId', upload.uploadId),
    ...partiesOf(upload),
    textElement('Initiated', upload.initiatedAt.toISOString()),
    textElement('ChecksumAlgorithm', upload.checksumAlgorithm),
    textElement('ChecksumType', upload.checksumType),
  ]);
}

function partiesOf(upload: UploadSummary): readonly (XmlElement | undefined)[] {
  return [
    ownerElement('Initiator', upload.initiator),
    ownerElement('Owner', upload.owner),
    textElement('StorageClass', upload.storageClass),
  ];
}
