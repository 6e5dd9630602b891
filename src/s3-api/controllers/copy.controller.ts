import { ArtifactWriter } from '../../engine/artifacts/artifact-writer';
import type { ArtifactAddress, CopyArtifact } from '../../engine/artifacts/artifact.types';
import { S3Error } from '../errors/s3-error';
import { checksumAlgorithmHeader } from '../headers/checksum-headers';
import { copySourceConditions, writeConditions } from '../headers/conditions';
import { parseCopySource } from '../headers/copy-source';
import { headerOf, invalidArgument } from '../headers/request-header';
import { newVersionId } from '../headers/response-headers';
import { emptyTags } from '../headers/tags';
import type { WriteHeaders } from '../headers/write-headers';
import { readWriteHeaders } from '../headers/write-headers';
import { S3Req } from '../http/s3-req.decorator';
import type { S3Request } from '../http/s3-request';
import type { S3Response } from '../http/s3-response';
import { S3Controller } from '../operations/s3-controller.decorator';
import { S3Operation } from '../operations/s3-operation.decorator';
import { withCopySourceLimit } from './copy-source-limit';
import { bucketOf, callerOf, keyOf } from './request-target';
import { checksumElements, element, textElement, xmlResponse } from './xml-elements';

type Directive = 'COPY' | 'REPLACE';

/** CopyObject. */
@S3Controller()
export class CopyController {
  constructor(private readonly writer: ArtifactWriter) {}

  /**
   * Throws as `readWriteHeaders` and `parseCopySource`, and `InvalidRequest` for a copy onto itself that changes nothing
   * and for a source of more than 5 GiB.
   */
  @S3Operation('CopyObject')
  async copyObject(@S3Req() request: S3Request): Promise<S3Response> {
    const copy = toCopy(request);
    const copied = await withCopySourceLimit(this.writer.copy(request.ctx, copy));
    return xmlResponse(
      element('CopyObjectResult', [
        textElement('LastModified', copied.lastModified.toISOString()),
        textElement('ETag', `"${copied.etag}"`),
        ...checksumElements(copied.checksum),
      ]),
      { 'x-amz-version-id': newVersionId(copied.versionId), 'x-amz-copy-source-version-id': copied.sourceVersionId },
    );
  }
}

function toCopy(request: S3Request): CopyArtifact {
  const { headers } = request.message;
  const source = parseCopySource(headerOf(headers, 'x-amz-copy-source') ?? '');
  const write = readWriteHeaders(headers, callerOf(request).canonicalId);
  const isReplacing = directive(request, 'x-amz-metadata-directive', 'Unknown metadata directive.') === 'REPLACE';
  const isRetagging = directive(request, 'x-amz-tagging-directive', 'Unknown tagging directive.') === 'REPLACE';
  const copy: CopyArtifact = {
    source,
    sourceConditions: copySourceConditions(headers),
    container: bucketOf(request),
    key: keyOf(request),
    replaceAttributes: isReplacing ? { headers: write.headers, metadata: write.metadata } : undefined,
    replaceTags: isRetagging ? (write.tags ?? emptyTags()) : undefined,
    storageClass: write.storageClass,
    checksumAlgorithm: checksumAlgorithmHeader(headers),
    conditions: writeConditions(headers),
  };
  if (isOntoItself(source, copy) && !isReplacing && !isRetagging && !changesObject(write)) {
    throw new S3Error('InvalidRequest', {
      message:
        "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    });
  }
  return copy;
}

/** A version copied onto its own key is how old versions are restored, and so no copy onto itself. */
function isOntoItself(source: ArtifactAddress, copy: CopyArtifact): boolean {
  return source.versionId === undefined && source.container === copy.container && source.key === copy.key;
}

function changesObject(write: WriteHeaders): boolean {
  return write.storageClass !== undefined || write.headers.websiteRedirectLocation !== undefined;
}

function directive(request: S3Request, header: string, message: string): Directive {
  const value = headerOf(request.message.headers, header);
  if (value === undefined || value === 'COPY') return 'COPY';
  if (value === 'REPLACE') return 'REPLACE';
  throw invalidArgument(message, header, value);
}
