import { uploadId } from '../../context/ids';
import type { ArtifactWritten, IncomingBody } from '../../engine/artifacts/artifact.types';
import { MultipartService } from '../../engine/multipart/multipart.service';
import type { UploadAddress } from '../../engine/multipart/multipart.types';
import { UploadCompleter } from '../../engine/multipart/upload-completer';
import {
  CHECKSUM_HEADERS,
  checksumTypeHeader,
  completeChecksumHeader,
  uploadChecksumHeaders,
} from '../headers/checksum-headers';
import { copySourceConditions, requireSize, writeConditions } from '../headers/conditions';
import { parseCopySource } from '../headers/copy-source';
import { parseCopySourceRange, parsePartNumber } from '../headers/range';
import { headerOf, notImplementedHeader } from '../headers/request-header';
import type { ResponseHeaders } from '../headers/response-headers';
import { newVersionId } from '../headers/response-headers';
import { readWriteHeaders, toAttributes } from '../headers/write-headers';
import { S3Req } from '../http/s3-req.decorator';
import type { S3Request } from '../http/s3-request';
import type { S3Response, XmlElement } from '../http/s3-response';
import { S3Controller } from '../operations/s3-controller.decorator';
import { S3Operation } from '../operations/s3-operation.decorator';
import { PayloadBody } from '../payload/payload-body.decorator';
import { XmlBody } from '../xml/xml-body.decorator';
import { withCopySourceLimit } from './copy-source-limit';
import { CompleteUploadDocument } from './documents/complete-upload.document';
import { addressOf, bucketOf, callerOf, keyOf } from './request-target';
import { settledWithin } from './settled-within';
import { checksumElements, element, textElement, xmlResponse } from './xml-elements';

/**
 * A completion that takes longer than this is answered with 200 at once and kept alive by white space; a quicker one gets
 * the status it deserves.
 */
const KEEP_ALIVE_AFTER_MS = 5000;

/** Uploads in parts. */
@S3Controller()
export class MultipartController {
  constructor(
    private readonly uploads: MultipartService,
    private readonly completer: UploadCompleter,
  ) {}

  /** Headers and metadata are those of the object to come. Throws as `readWriteHeaders` and `uploadChecksumHeaders`. */
  @S3Operation('CreateMultipartUpload')
  async createMultipartUpload(@S3Req() request: S3Request): Promise<S3Response> {
    const { headers } = request.message;
    const attributes = toAttributes(readWriteHeaders(headers, callerOf(request).canonicalId));
    const checksum = uploadChecksumHeaders(headers);
    const created = await this.uploads.create(request.ctx, {
      container: bucketOf(request),
      key: keyOf(request),
      attributes,
      checksumAlgorithm: checksum.algorithm,
      checksumType: checksum.type,
    });
    const isRequested = checksum.algorithm !== undefined;
    return xmlResponse(
      element('InitiateMultipartUploadResult', [
        textElement('Bucket', bucketOf(request)),
        textElement('Key', keyOf(request)),
        textElement('UploadId', created.uploadId),
      ]),
      {
        'x-amz-checksum-algorithm': isRequested ? created.checksumAlgorithm : undefined,
        'x-amz-checksum-type': isRequested ? created.checksumType : undefined,
      },
    );
  }

  /** Throws `InvalidArgument` for a part number out of range. */
  @S3Operation('UploadPart')
  async uploadPart(@S3Req() request: S3Request, @PayloadBody() body: IncomingBody): Promise<S3Response> {
    refuseEncryption(request);
    const part = await this.uploads.putPart(request.ctx, {
      ...uploadAddressOf(request),
      partNumber: parsePartNumber(request.query.get('partNumber')),
      body,
    });
    const { checksum } = part;
    const headers: ResponseHeaders = { etag: `"${part.etag}"` };
    if (checksum !== undefined) headers[CHECKSUM_HEADERS[checksum.algorithm]] = checksum.value;
    return { headers };
  }

  /** Throws as `parseCopySource` and `parseCopySourceRange`, and `InvalidRequest` for a source of more than 5 GiB. */
  @S3Operation('UploadPartCopy')
  async uploadPartCopy(@S3Req() request: S3Request): Promise<S3Response> {
    const { headers } = request.message;
    refuseEncryption(request);
    const range = headerOf(headers, 'x-amz-copy-source-range');
    const part = await withCopySourceLimit(
      this.uploads.copyPart(request.ctx, {
        ...uploadAddressOf(request),
        partNumber: parsePartNumber(request.query.get('partNumber')),
        source: parseCopySource(headerOf(headers, 'x-amz-copy-source') ?? ''),
        sourceRange: range === undefined ? undefined : parseCopySourceRange(range),
        sourceConditions: copySourceConditions(headers),
      }),
    );
    return xmlResponse(
      element('CopyPartResult', [
        textElement('LastModified', part.lastModified.toISOString()),
        textElement('ETag', `"${part.etag}"`),
        checksumElements(part.checksum)[0],
      ]),
      { 'x-amz-copy-source-version-id': part.sourceVersionId },
    );
  }

  /** Throws `InvalidPart`, `InvalidPartOrder`, `EntityTooSmall`, `BadDigest`, `PreconditionFailed`, `NoSuchUpload`. */
  @S3Operation('CompleteMultipartUpload')
  async completeMultipartUpload(
    @S3Req() request: S3Request,
    @XmlBody(CompleteUploadDocument) document: CompleteUploadDocument,
  ): Promise<S3Response> {
    const { headers } = request.message;
    refuseEncryption(request);
    const size = headerOf(headers, 'x-amz-mp-object-size');
    const work = this.completer.complete(request.ctx, {
      ...uploadAddressOf(request),
      parts: document.parts,
      conditions: writeConditions(headers),
      expectedChecksum: completeChecksumHeader(headers),
      expectedChecksumType: checksumTypeHeader(headers),
      expectedSizeBytes: size === undefined ? undefined : requireSize(size, 'x-amz-mp-object-size'),
    });
    const settled = await settledWithin(work, KEEP_ALIVE_AFTER_MS);
    if (settled === undefined) {
      return { body: { kind: 'keep-alive-xml', result: work.then((written) => completeElement(request, written)) } };
    }
    return xmlResponse(completeElement(request, settled.value), {
      'x-amz-version-id': newVersionId(settled.value.versionId),
    });
  }

  @S3Operation('AbortMultipartUpload')
  async abortMultipartUpload(@S3Req() request: S3Request): Promise<S3Response> {
    await this.uploads.abort(request.ctx, uploadAddressOf(request));
    return { status: 204 };
  }
}

/** The upload that the query names. */
export function uploadAddressOf(request: S3Request): UploadAddress {
  const { container, key } = addressOf(request);
  return { container, key, uploadId: uploadId(request.query.get('uploadId') ?? '') };
}

/** Customer keys come with every part of an encrypted upload; there are none of those here. */
function refuseEncryption(request: S3Request): void {
  for (const name of ENCRYPTION_HEADERS) {
    if (request.message.headers[name] !== undefined) {
      throw notImplementedHeader(name, 'Server-side encryption is not supported by this endpoint.');
    }
  }
}

const ENCRYPTION_HEADERS = [
  'x-amz-server-side-encryption-customer-algorithm',
  'x-amz-server-side-encryption-customer-key',
  'x-amz-copy-source-server-side-encryption-customer-algorithm',
] as const;

function completeElement(request: S3Request, written: ArtifactWritten): XmlElement {
  return element('CompleteMultipartUploadResult', [
    textElement('Location', `http://${request.message.headers.host ?? ''}${request.rawPath}`),
    textElement('Bucket', bucketOf(request)),
    textElement('Key', keyOf(request)),
    textElement('ETag', `"${written.etag}"`),
    ...checksumElements(written.checksum),
  ]);
}
